"""df.observe: metrics of the rows that pass, computed in the one pass of the query itself, alike on
one worker and two."""

from __future__ import annotations

import os

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import Observation
from pyspark.sql import functions as F

from conftest import end_session, new_session
from server import Server

MODES = {"one-worker": {"threads": 2}, "two-workers": {"threads": 1, "extra": ("--workers", "2")}}

pytestmark = pytest.mark.skipif(
    "SPURWHEEL_REMOTE" in os.environ, reason="starts servers of its own; SPURWHEEL_REMOTE names one that runs"
)


@pytest.fixture(scope="module", params=sorted(MODES))
def spark(request):
    with Server(**MODES[request.param]) as server:
        session = new_session(server.url)
        yield session
        end_session(session)


@pytest.fixture
def numbers(spark, tmp_path):
    """0 to 9999 in several files, so that two workers share them."""
    path = str(tmp_path / "numbers")
    for lo in range(0, 10_000, 2_500):
        spark.range(lo, lo + 2_500).write.mode("append").parquet(path)
    return spark.read.parquet(path)


def test_input_is_read_once(numbers):
    """A second run would draw other numbers."""
    seen = Observation()
    rows = numbers.withColumn("r", F.rand()).observe(seen, F.sum("r").alias("s"), F.count("*").alias("n")).collect()
    assert len(rows) == 10_000 and seen.get["n"] == 10_000
    assert seen.get["s"] == pytest.approx(sum(r["r"] for r in rows), rel=1e-9)


def test_aggregate_above(numbers):
    seen = Observation()
    drawn = numbers.withColumn("r", F.rand()).observe(seen, F.sum("r").alias("s"))
    total = drawn.agg(F.sum("r")).first()[0]
    assert seen.get == {"s": pytest.approx(total, rel=1e-9)}


def test_filters_stay_above(numbers):
    before, after = Observation("before"), Observation("after")
    df = numbers.observe(before, F.count("*").alias("n"), F.max("id").alias("m")).filter("id % 10 = 3")
    df = df.observe(after, F.count("*").alias("n"), (F.sum("id") / F.count("*")).alias("mean"), F.lit("x").alias("x"))
    assert df.select((F.col("id") * 2).alias("d")).count() == 1_000
    assert before.get == {"n": 10_000, "m": 9_999}
    assert after.get == {"n": 1_000, "mean": 4998.0, "x": "x"}


def test_join_and_union(spark, numbers):
    left, right, both = Observation("left"), Observation("right"), Observation("both")
    a = numbers.observe(left, F.count("*").alias("n"))
    b = spark.range(0, 20_000, 2).observe(right, F.sum("id").alias("s"))
    joined = a.join(b, "id").union(spark.range(5)).observe(both, F.count("id").alias("n"), F.avg("id").alias("a"))
    assert joined.groupBy((F.col("id") % 3).alias("k")).count().count() == 3
    assert left.get == {"n": 10_000}
    assert right.get == {"s": sum(range(0, 20_000, 2))}
    assert both.get["n"] == 5_005
    assert both.get["a"] == pytest.approx((sum(range(0, 10_000, 2)) + 10) / 5_005)


def test_self_join_counts_once(numbers):
    df = numbers.observe("once", F.count("*").alias("n"))
    joined = df.alias("a").join(df.alias("b"), F.col("a.id") == F.col("b.id"))
    assert len(joined.collect()) == 10_000
    assert [(o.name, [v.long for v in o.metrics]) for o in joined.executionInfo._observations] == [("once", [10_000])]


def test_write(spark, numbers, tmp_path):
    seen = Observation()
    out = str(tmp_path / "out")
    drawn = numbers.withColumn("r", F.rand()).observe(seen, F.sum("r").alias("s"), F.min("id").alias("m"))
    drawn.write.parquet(out)
    total = spark.read.parquet(out).agg(F.sum("r")).first()[0]
    assert seen.get == {"s": pytest.approx(total, rel=1e-9), "m": 0}


def test_states_of_strings_lists_and_nothing(spark, numbers):
    seen, empty = Observation("some"), Observation("none")
    df = numbers.filter("id < 5").observe(
        seen, F.sort_array(F.collect_list("id")).alias("l"), F.max(F.concat(F.lit("a long string, number "), F.col("id"))).alias("t")
    )
    assert df.filter("id = 3").observe(empty, F.count("*").alias("n")).count() == 1
    assert seen.get == {"l": [0, 1, 2, 3, 4], "t": "a long string, number 4"}
    none = Observation()
    assert numbers.filter("id < 0").observe(none, F.count("*").alias("n"), F.sum("id").alias("s")).collect() == []
    assert none.get == {"n": 0, "s": None}


def test_limit_and_show(numbers, capsys):
    seen = Observation()
    assert len(numbers.observe(seen, F.count("*").alias("n")).limit(3).collect()) == 3
    assert 3 <= seen.get["n"] <= 10_000
    shown = Observation()
    numbers.limit(7).observe(shown, F.count("*").alias("n")).show()
    assert shown.get == {"n": 7}


def test_cached(numbers):
    seen = Observation()
    df = numbers.observe(seen, F.count("*").alias("n")).cache()
    assert df.count() == 10_000 and seen.get == {"n": 10_000}
    df.unpersist()


def test_a_metric_that_holds_a_query(spark, numbers):
    numbers.createOrReplaceTempView("numbers")
    seen = Observation()
    assert numbers.observe(seen, F.expr("(SELECT max(id) FROM numbers) + count(1)").alias("n")).count() == 10_000
    assert seen.get == {"n": 19_999}


def test_error_in_a_metric_fails_the_query(numbers):
    with pytest.raises(PySparkException) as failed:
        numbers.observe("bad", F.sum(F.expr("1 / (id - 77)")).alias("s")).collect()
    assert failed.value.getCondition() == "DIVIDE_BY_ZERO"
    with pytest.raises(PySparkException) as failed:
        numbers.observe("bad", (F.lit(1) / F.sum(F.col("id") * 0)).alias("s")).collect()
    assert failed.value.getCondition() == "DIVIDE_BY_ZERO"


@pytest.mark.parametrize(
    "metric, reason",
    [
        ("count(DISTINCT id)", "AGGREGATE_EXPRESSION_WITH_DISTINCT_UNSUPPORTED"),
        ("id + sum(id)", "NON_AGGREGATE_FUNC_ARG_IS_ATTRIBUTE"),
    ],
)
def test_what_cannot_be_a_metric(numbers, metric, reason):
    with pytest.raises(PySparkException) as failed:
        numbers.observe("bad", F.expr(metric).alias("m")).collect()
    assert failed.value.getCondition() == "INVALID_OBSERVED_METRICS." + reason
