"""The small frames that cases share."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pyspark.sql import DataFrame, SparkSession


def people(spark: SparkSession) -> DataFrame:
    """Seven people with nulls in most columns and one duplicate pair of (dept, age)."""
    return spark.createDataFrame(
        [
            (1, "Ann", "eng", 34, 5200.5, date(2019, 3, 1)),
            (2, "Bob", "eng", 41, 6100.0, date(2017, 11, 30)),
            (3, "Cid", "ops", 29, 3900.25, date(2021, 6, 15)),
            (4, "Dee", "ops", None, 4100.0, None),
            (5, "Eve", None, 34, None, date(2020, 2, 29)),
            (6, None, "law", 57, 7300.75, date(2001, 1, 1)),
            (7, "Gus", "eng", 34, 4800.0, date(2022, 12, 31)),
        ],
        "id int, name string, dept string, age int, pay double, since date",
    )


def departments(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        [("eng", "Engineering", 3), ("ops", "Operations", 1), ("hr", "Human Resources", 2), (None, "Nowhere", 0)],
        "dept string, title string, floor int",
    )


def sales(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        [
            (2023, "Q1", "north", Decimal("10.50")),
            (2023, "Q1", "south", Decimal("20.25")),
            (2023, "Q2", "north", Decimal("5.00")),
            (2024, "Q1", "north", Decimal("7.75")),
            (2024, "Q2", "south", Decimal("1.00")),
            (2024, "Q2", "south", None),
        ],
        "year int, quarter string, region string, amount decimal(10,2)",
    )


def nested(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        [
            (1, [1, 2, None], {"a": 1.5, "b": None}, ("x", [("p", 1), ("q", 2)])),
            (2, [], {}, ("y", [])),
            (3, None, None, None),
        ],
        "id int, nums array<int>, props map<string,double>, pair struct<tag:string,items:array<struct<k:string,v:int>>>",
    )


def moments(spark: SparkSession) -> DataFrame:
    """Timestamps given in UTC, whatever the zone of this machine."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark.sql(
        "SELECT * FROM VALUES "
        "(1, TIMESTAMP '2024-02-29 23:59:59.123456', TIMESTAMP_NTZ '2024-02-29 23:59:59.123456', DATE '2024-02-29'), "
        "(2, TIMESTAMP '1969-12-31 23:59:59', TIMESTAMP_NTZ '1969-12-31 23:59:59', DATE '1582-10-15'), "
        "(3, TIMESTAMP '2024-03-31 01:30:00', TIMESTAMP_NTZ '2024-03-31 02:30:00', DATE '9999-12-31'), "
        "(4, NULL, NULL, NULL) AS t(id, ts, ntz, d)"
    )


def numbers(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        [
            (1, 127, 32767, 2147483647, 9223372036854775807, 1.5, 2.5, Decimal("12345678901234567890.123456789")),
            (2, -128, -32768, -2147483648, -9223372036854775808, float("nan"), float("inf"), Decimal("-0.000000001")),
            (3, 0, 0, 0, 0, -0.0, -1e-300, Decimal("0")),
            (4, None, None, None, None, None, None, None),
        ],
        "id int, i8 tinyint, i16 smallint, i32 int, i64 bigint, f32 float, f64 double, dec decimal(38,9)",
    )
