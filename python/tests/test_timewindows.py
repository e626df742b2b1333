"""Windows of time in SQL and data frames, and what IN gives as a value: recorded from Spark 4.1.4."""

from __future__ import annotations

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

EVENTS = "VALUES ('A1', TIMESTAMP'2021-01-01 00:00:00'), ('A1', TIMESTAMP'2021-01-01 00:04:30'), ('A1', TIMESTAMP'2021-01-01 00:10:00'), ('A2', TIMESTAMP'2021-01-01 00:01:00'), ('A2', NULL) t(a, ts)"
PAIR = "VALUES (TIMESTAMP'2021-01-01 00:03:00', 1), (TIMESTAMP'2021-01-01 00:07:00', 2) t(ts, v)"

#: Query, rows as Spark's strings.
QUERIES = [
    (f"SELECT string(window.start), sum(v) FROM {PAIR} GROUP BY window(ts, '5 minutes')", ["2021-01-01 00:00:00 1", "2021-01-01 00:05:00 2"]),
    (
        f"SELECT string(window.start), string(window.end), sum(v) FROM {PAIR} GROUP BY window(ts, '10 minutes', '5 minutes')",
        ["2020-12-31 23:55:00 2021-01-01 00:05:00 1", "2021-01-01 00:00:00 2021-01-01 00:10:00 3", "2021-01-01 00:05:00 2021-01-01 00:15:00 2"],
    ),
    (f"SELECT string(window.start), sum(v) FROM {PAIR} GROUP BY window(ts, '10 minutes', '10 minutes', '2 minutes')", ["2021-01-01 00:02:00 3"]),
    (f"SELECT string(window_time(w)), n FROM (SELECT window AS w, count(*) AS n FROM {PAIR} GROUP BY window(ts, '1 day'))", ["2021-01-01 23:59:59.999999 2"]),
    (f"SELECT *, string(window(ts, '1 hour').end) FROM (SELECT v, ts FROM {PAIR} WHERE v = 1)", ["1 2021-01-01 00:03:00 2021-01-01 01:00:00"]),
    (f"SELECT count(*) FROM {PAIR} WHERE window(ts, '5 minutes').start > TIMESTAMP'2021-01-01 00:04:00'", ["1"]),
    (
        f"SELECT a, string(session_window.start), string(session_window.end), count(*) FROM {EVENTS} GROUP BY a, session_window(ts, '5 minutes')",
        ["A1 2021-01-01 00:00:00 2021-01-01 00:09:30 2", "A1 2021-01-01 00:10:00 2021-01-01 00:15:00 1", "A2 2021-01-01 00:01:00 2021-01-01 00:06:00 1"],
    ),
    (f"SELECT string(session_window.end), count(*) FROM {EVENTS} GROUP BY session_window(ts, '6 minutes')", ["2021-01-01 00:16:00 4"]),
    (
        f"SELECT 1, string(session_window.end), count(*) FROM {EVENTS} GROUP BY 1, session_window(ts, CASE WHEN a = 'A1' THEN '5 minutes' ELSE '1 minute' END)",
        ["1 2021-01-01 00:09:30 3", "1 2021-01-01 00:15:00 1"],
    ),
    ("SELECT a, a IN (SELECT b FROM VALUES (1), (NULL) u(b)), a NOT IN (SELECT b FROM VALUES (1), (NULL) u(b)) FROM VALUES (1), (2) t(a)", ["1 True False", "2 False False"]),
    ("SELECT a FROM VALUES (1), (2), (3) t(a) WHERE NOT (a IN (SELECT b FROM VALUES (1), (NULL) u(b)) OR a = 3)", []),
    ("SELECT a FROM VALUES (1), (2) t(a) WHERE (a IN (SELECT b FROM VALUES (1), (NULL) u(b))) <=> false", ["2"]),
]


@pytest.mark.parametrize("query, expected", QUERIES)
def test_rows(spark, query, expected):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    assert sorted(" ".join(map(str, row)) for row in spark.sql(query).collect()) == expected


@pytest.mark.parametrize(
    "window, condition",
    [
        ("window(ts, '0 minutes')", "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        ("window(ts, '5 minutes', '10 minutes')", "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION"),
        ("window(v, '5 minutes')", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
    ],
)
def test_errors(spark, window, condition):
    with pytest.raises(PySparkException) as caught:
        spark.sql(f"SELECT {window} FROM {PAIR}").collect()
    assert caught.value.getCondition() == condition


def test_functions_with_an_order_of_their_own(spark):
    data = "VALUES (1, 10), (1, 20), (2, 30) t(k, v)"
    assert len(spark.sql(f"SELECT mode() WITHIN GROUP (ORDER BY v) OVER (PARTITION BY k ORDER BY v) FROM {data}").collect()) == 3
    with pytest.raises(PySparkException) as caught:
        spark.sql(f"SELECT median(v) OVER (PARTITION BY k ORDER BY v) FROM {data}").collect()
    assert caught.value.getCondition() == "INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC"


def test_data_frame(spark):
    frame = spark.sql(f"SELECT * FROM {PAIR}").groupBy(F.window("ts", "5 minutes")).agg(F.sum("v").alias("n"))
    assert frame.columns == ["window", "n"]
    assert sorted(row.n for row in frame.collect()) == [1, 2]


def test_set_shows_defaults(spark):
    shown = {key: spark.sql(f"SET {key}").collect()[0].value for key in ("spark.sql.ansi.enabled", "spark.sql.shuffle.partitions", "spark.no.such.key")}
    assert shown == {"spark.sql.ansi.enabled": "true", "spark.sql.shuffle.partitions": "200", "spark.no.such.key": "<undefined>"}


@pytest.mark.parametrize("form", ["csv", "json"])
def test_text_is_written_in_the_session_zone(spark, shared_dir, form):
    spark.conf.set("spark.sql.session.timeZone", "America/Los_Angeles")
    frame = spark.sql("SELECT TIMESTAMP'2021-01-01 00:00:00' AS t")
    for options, expected in (({}, "2021-01-01T00:00:00.000-08:00"), ({"timeZone": "UTC"}, "2021-01-01T08:00:00.000Z")):
        frame.write.mode("overwrite").options(**options).format(form).save(str(shared_dir / form))
        assert expected in spark.read.text(str(shared_dir / form)).collect()[0].value


def test_settings_of_the_parser(spark):
    """Names and literals as the session's settings read them."""
    spark.conf.set("spark.sql.timestampType", "TIMESTAMP_NTZ")
    assert spark.sql("SELECT TIMESTAMP'2020-01-01 00:00:00' AS t").schema["t"].dataType.typeName() == "timestamp_ntz"
    spark.conf.set("spark.sql.parser.escapedStringLiterals", "true")
    assert spark.sql(r"SELECT 'a\nb' AS s").collect()[0].s == r"a\nb"
    spark.conf.set("spark.sql.parser.quotedRegexColumnNames", "true")
    assert spark.sql("SELECT `a.*` FROM (SELECT 1 AS ab, 2 AS ac, 3 AS b)").columns == ["ab", "ac"]
