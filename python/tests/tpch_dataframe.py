"""Seven TPC-H queries written as a PySpark programmer would, without SQL text.

Each function takes a session in which the tables are temp views and returns the frame that
answers the query of its number, columns in the order of the SQL text.
"""

from __future__ import annotations

import datetime
from decimal import Decimal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


def _date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def _revenue() -> F.Column:
    return F.col("l_extendedprice") * (1 - F.col("l_discount"))


def pricing_summary(spark: SparkSession) -> DataFrame:
    line = spark.table("lineitem").where(F.col("l_shipdate") <= _date("1998-09-02"))
    return (
        line.groupBy("l_returnflag", "l_linestatus")
        .agg(
            F.sum("l_quantity").alias("sum_qty"),
            F.sum("l_extendedprice").alias("sum_base_price"),
            F.sum(_revenue()).alias("sum_disc_price"),
            F.sum(_revenue() * (1 + F.col("l_tax"))).alias("sum_charge"),
            F.avg("l_quantity").alias("avg_qty"),
            F.avg("l_extendedprice").alias("avg_price"),
            F.avg("l_discount").alias("avg_disc"),
            F.count(F.lit(1)).alias("count_order"),
        )
        .orderBy("l_returnflag", "l_linestatus")
    )


def shipping_priority(spark: SparkSession) -> DataFrame:
    day = _date("1995-03-15")
    customer = spark.table("customer").filter(F.col("c_mktsegment") == "BUILDING")
    orders = spark.table("orders").filter(F.col("o_orderdate") < day)
    line = spark.table("lineitem").filter(F.col("l_shipdate") > day)
    return (
        customer.join(orders, customer.c_custkey == orders.o_custkey)
        .join(line, line.l_orderkey == orders.o_orderkey)
        .groupBy("l_orderkey", "o_orderdate", "o_shippriority")
        .agg(F.sum(_revenue()).alias("revenue"))
        .select("l_orderkey", "revenue", "o_orderdate", "o_shippriority")
        .orderBy(F.desc("revenue"), "o_orderdate")
        .limit(10)
    )


def order_priority(spark: SparkSession) -> DataFrame:
    orders = spark.table("orders").where(F.col("o_orderdate").between(_date("1993-07-01"), _date("1993-09-30")))
    late = spark.table("lineitem").where("l_commitdate < l_receiptdate")
    return (
        orders.join(late, orders["o_orderkey"] == late["l_orderkey"], "left_semi")
        .groupBy("o_orderpriority")
        .count()
        .withColumnRenamed("count", "order_count")
        .sort("o_orderpriority")
    )


def local_supplier_volume(spark: SparkSession) -> DataFrame:
    year = F.year("o_orderdate")
    return (
        spark.table("region")
        .filter("r_name = 'ASIA'")
        .join(spark.table("nation"), F.expr("n_regionkey = r_regionkey"))
        .join(spark.table("supplier"), F.expr("s_nationkey = n_nationkey"))
        .join(spark.table("lineitem"), F.expr("l_suppkey = s_suppkey"))
        .join(spark.table("orders").filter(year == 1994), F.expr("o_orderkey = l_orderkey"))
        .join(spark.table("customer"), F.expr("c_custkey = o_custkey AND c_nationkey = s_nationkey"))
        .groupBy("n_name")
        .agg(F.sum(_revenue()).alias("revenue"))
        .orderBy(F.col("revenue").desc())
    )


def forecast_revenue(spark: SparkSession) -> DataFrame:
    line = spark.table("lineitem")
    cheap = line.l_discount.between(Decimal("0.05"), Decimal("0.07")) & (line.l_quantity < 24)
    in_year = (line.l_shipdate >= _date("1994-01-01")) & (line.l_shipdate < _date("1995-01-01"))
    return line.where(cheap & in_year).select(F.sum(line.l_extendedprice * line.l_discount).alias("revenue"))


def returned_items(spark: SparkSession) -> DataFrame:
    orders = spark.table("orders").where(
        (F.col("o_orderdate") >= F.lit("1993-10-01").cast("date"))
        & (F.col("o_orderdate") < F.add_months(F.lit("1993-10-01").cast("date"), 3))
    )
    return (
        spark.table("customer")
        .join(orders.withColumnRenamed("o_custkey", "c_custkey"), "c_custkey")
        .join(
            spark.table("lineitem").where(F.col("l_returnflag") == "R").withColumnRenamed("l_orderkey", "o_orderkey"),
            on=["o_orderkey"],
        )
        .join(spark.table("nation"), F.col("n_nationkey") == F.col("c_nationkey"))
        .groupBy("c_custkey", "c_name", "c_acctbal", "c_phone", "n_name", "c_address", "c_comment")
        .agg(F.sum(_revenue()).alias("revenue"))
        .select("c_custkey", "c_name", "revenue", "c_acctbal", "n_name", "c_address", "c_phone", "c_comment")
        .orderBy(F.desc("revenue"))
        .limit(20)
    )


def customer_distribution(spark: SparkSession) -> DataFrame:
    plain = spark.table("orders").where(~F.col("o_comment").like("%special%requests%"))
    return (
        spark.table("customer")
        .join(plain, F.col("c_custkey") == F.col("o_custkey"), "left_outer")
        .groupBy("c_custkey")
        .agg(F.count("o_orderkey").alias("c_count"))
        .groupBy("c_count")
        .agg(F.count("*").alias("custdist"))
        .orderBy(F.desc("custdist"), F.desc("c_count"))
    )


PROGRAMS = {
    1: pricing_summary,
    3: shipping_priority,
    4: order_priority,
    5: local_supplier_volume,
    6: forecast_revenue,
    10: returned_items,
    13: customer_distribution,
}
