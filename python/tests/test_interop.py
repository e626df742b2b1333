"""Values between Python and the server: rows, pandas, Arrow, every type both ways."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import Row
from pyspark.sql import functions as F

from answers import collect, signature
from cases.tables import nested, people

#: Python value, its DDL type; what comes back must equal what went in.
VALUES = [
    (True, "boolean"),
    (-128, "tinyint"),
    (32767, "smallint"),
    (-(2**31), "int"),
    (2**63 - 1, "bigint"),
    (1.5, "float"),
    (2.2250738585072014e-308, "double"),
    (Decimal("-12345678901234567890.123456789012345678"), "decimal(38,18)"),
    ("é😀\n\x00", "string"),
    (b"\x00\xff", "binary"),
    (dt.date(1, 1, 1), "date"),
    (dt.date(9999, 12, 31), "date"),
    (dt.datetime(2024, 2, 29, 23, 59, 59, 999999), "timestamp_ntz"),
    (dt.timedelta(days=-1, microseconds=5), "interval day to second"),
    ([1, None, 3], "array<int>"),
    ([[1], [], None], "array<array<int>>"),
    ({"a": 1, "b": None}, "map<string,int>"),
    ({"k": [("x", {1: "y"})]}, "map<string,array<struct<p:string,q:map<int,string>>>>"),
    ((1, (None, [Decimal("1.50")])), "struct<a:int,b:struct<c:string,d:array<decimal(5,2)>>>"),
]


@pytest.mark.parametrize("value, kind", VALUES, ids=[kind for _, kind in VALUES])
def test_value_round_trip(spark, value, kind):
    frame = spark.createDataFrame([(value,), (None,)], f"v {kind}")
    assert frame.schema[0].dataType.simpleString() == kind
    assert collect(frame).rows == [(value,), (None,)]


def test_timestamps_are_instants(spark):
    moment = dt.datetime(2024, 7, 1, 12, 0, tzinfo=dt.timezone.utc)
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    frame = spark.createDataFrame([(moment,)], "t timestamp")
    assert frame.select(F.col("t").cast("string"), F.unix_seconds("t")).first() == Row("2024-07-01 08:00:00", 1719835200)
    assert frame.first()[0].astimezone(dt.timezone.utc) == moment


def test_rows_without_schema(spark):
    frame = spark.createDataFrame([Row(a=1, b="x", c=1.5, d=dt.date(2024, 1, 2), e=[1], f={"k": True}, h=Row(z=1))])
    assert signature(frame) == [
        "a: bigint", "b: string", "c: double", "d: date", "e: array<bigint>", "f: map<string,boolean>", "h: struct<z:bigint>",
    ]  # fmt: skip


def test_dicts_and_names(spark):
    frame = spark.createDataFrame([{"b": 1, "a": "x"}, {"b": 2, "a": None}])
    assert collect(frame.select("a", "b")).rows == [("x", 1), (None, 2)]
    assert dict(frame.dtypes) == {"a": "string", "b": "bigint"}
    assert spark.createDataFrame([(1, "x")], ["n", "s"]).columns == ["n", "s"]
    assert spark.createDataFrame([(1, "x")]).columns == ["_1", "_2"]
    assert spark.createDataFrame([1, 2], "int").columns == ["value"]


def test_empty_frames(spark):
    frame = spark.createDataFrame([], "a int, b array<string>")
    assert (frame.count(), frame.collect(), signature(frame)) == (0, [], ["a: int", "b: array<string>"])
    assert list(frame.toPandas().columns) == ["a", "b"]
    assert frame.toArrow().num_rows == 0


def test_from_pandas(spark):
    source = pd.DataFrame(
        {
            "i": [1, 2, 3],
            "f": [1.5, np.nan, -0.5],
            "s": ["a", None, "é"],
            "t": pd.to_datetime(["2024-01-01 00:00", "2024-06-01 12:00", None]),
            "b": [True, False, True],
            "c": pd.Categorical(["x", "y", "x"]),
        }
    )
    frame = spark.createDataFrame(source)
    assert dict(frame.dtypes) == {"i": "bigint", "f": "double", "s": "string", "t": "timestamp", "b": "boolean", "c": "string"}
    assert frame.where("s IS NULL").count() == 1
    back = frame.toPandas()
    assert back["i"].tolist() == [1, 2, 3] and back["c"].tolist() == ["x", "y", "x"]
    assert back["t"].tolist()[1] == pd.Timestamp("2024-06-01 12:00") and back["t"].isna().tolist() == [False, False, True]


def test_to_pandas_types(spark):
    frame = people(spark).orderBy("id").toPandas()
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "id": "int32", "name": "object", "dept": "object", "age": "float64", "pay": "float64", "since": "object",
    }  # fmt: skip
    assert frame["since"][0] == dt.date(2019, 3, 1)
    assert frame["age"].isna().tolist() == [False, False, False, True, False, False, False]


def test_to_pandas_of_nested(spark):
    frame = nested(spark).orderBy("id").toPandas()
    assert list(frame["nums"][0])[:2] == [1, 2] and frame["props"][0] == {"a": 1.5, "b": None}
    assert frame["pair"][0]["tag"] == "x" if isinstance(frame["pair"][0], dict) else frame["pair"][0].tag == "x"


def test_to_pandas_of_many_types(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    frame = spark.sql("SELECT 1.50 AS d, TIMESTAMP '2024-01-01 01:00:00' AS t, INTERVAL '1' DAY AS i, X'01' AS b, 1Y AS y, float(1.5) AS f, true AS o")
    row = frame.toPandas().iloc[0]
    assert (row["d"], row["i"], bytes(row["b"]), row["y"], row["f"], row["o"]) == (Decimal("1.50"), pd.Timedelta(days=1), b"\1", 1, 1.5, True)
    assert row["t"] == pd.Timestamp("2024-01-01 01:00:00")


def test_from_and_to_arrow(spark):
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int16()),
            "s": pa.array(["x", None], pa.large_string()),
            "d": pa.array([Decimal("1.25"), None], pa.decimal128(10, 2)),
            "t": pa.array([dt.datetime(2024, 1, 1), None], pa.timestamp("us", "UTC")),
            "l": pa.array([["a", None], None], pa.list_(pa.string())),
            "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
            "st": pa.array([{"a": 1}, None], pa.struct([("a", pa.int64())])),
        }
    )
    frame = spark.createDataFrame(table)
    assert signature(frame) == [
        "i: smallint", "s: string", "d: decimal(10,2)", "t: timestamp", "l: array<string>", "m: map<string,int>", "st: struct<a:bigint>",
    ]  # fmt: skip
    back = frame.toArrow()
    assert back.column("i").to_pylist() == [1, None]
    assert back.schema.field("i").type == pa.int16() and back.schema.field("d").type == pa.decimal128(10, 2)
    assert back.column("m").to_pylist() == [[("k", 1)], None]
    assert back.column("st").to_pylist() == [{"a": 1}, None]


def test_arrow_types_of_results(spark):
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    schema = spark.sql(
        "SELECT 1 AS i, 'x' AS s, TIMESTAMP '2024-01-01' AS t, TIMESTAMP_NTZ '2024-01-01' AS n, DATE '2024-01-01' AS d, "
        "INTERVAL '1' DAY AS v, array(1) AS l, NULL AS z, X'00' AS b"
    ).toArrow().schema  # fmt: skip
    assert {f.name: str(f.type) for f in schema} == {
        "i": "int32", "s": "string", "t": "timestamp[us, tz=UTC]", "n": "timestamp[us]", "d": "date32[day]",
        "v": "duration[us]", "l": "list<element: int32 not null>", "z": "null", "b": "binary",
    }  # fmt: skip


def test_nullability_reaches_arrow(spark):
    schema = spark.range(1).selectExpr("id", "CAST(NULL AS INT) AS n").toArrow().schema
    assert [f.nullable for f in schema] == [False, True]


def test_many_rows_in_order(spark):
    table = spark.range(0, 300_000, 1, 4).toArrow()
    assert table.column("id").to_pylist() == list(range(300_000))


def test_wide_rows(spark):
    frame = spark.range(3).select(*[(F.col("id") * i).alias(f"c{i}") for i in range(500)])
    assert [len(r) for r in frame.collect()] == [500] * 3
    assert frame.agg(F.sum("c499")).first()[0] == 3 * 499


def test_large_strings(spark):
    frame = spark.range(4).select(F.repeat(F.lit("x"), 3_000_000).alias("s"))
    assert [len(row.s) for row in frame.collect()] == [3_000_000] * 4


def test_to_local_iterator(spark):
    assert [row.id for row in spark.range(1000).toLocalIterator()] == list(range(1000))


def test_local_relation_beyond_the_cache_threshold(spark):
    threshold = int(spark.conf.get("spark.sql.session.localRelationCacheThreshold"))
    size = threshold // 8 + 1000
    frame = spark.createDataFrame(pa.table({"n": pa.array(np.arange(size))}))
    assert frame.agg(F.count("*"), F.sum("n")).first() == Row(size, size * (size - 1) // 2)
    assert frame.where("n = 77").count() == 1


def test_foreach_row_types(spark):
    row = spark.sql("SELECT 1 AS a, named_struct('x', 'y') AS s, array(named_struct('q', 1)) AS l").first()
    assert isinstance(row, Row) and row.s.x == "y" and row.l[0].q == 1 and row.asDict(True)["l"] == [{"q": 1}]


def test_sample_and_split(spark):
    frame = spark.range(10_000)
    half = frame.sample(0.5, seed=7)
    assert 4_500 < half.count() < 5_500 and half.count() == half.count()
    assert half.join(frame, "id").count() == half.count()
    parts = frame.randomSplit([1.0, 3.0], seed=3)
    assert sum(part.count() for part in parts) == 10_000 and 2_200 < parts[0].count() < 2_800
    assert parts[0].intersect(parts[1]).count() == 0
    twice = frame.sample(True, 2.0, seed=1)
    assert 19_000 < twice.count() < 21_000
