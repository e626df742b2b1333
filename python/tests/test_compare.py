"""The judge must be able to say no: what `compare.py` and `queries.py` accept and refuse."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from compare import Answer, difference
from queries import backticks, order_keys, parse


def answer(*rows, columns=("a", "b")):
    return Answer(columns, list(rows))


@pytest.mark.parametrize(
    "name, actual, expected, order, limit",
    [
        ("any order without ORDER BY", [(1, "x"), (2, "y")], [(2, "y"), (1, "x")], (), None),
        ("ties in any order", [(1, "x"), (1, "y")], [(1, "y"), (1, "x")], ("a",), None),
        ("a tie cut by LIMIT", [(1, "y")], [(1, "x"), (1, "y"), (2, "z")], ("a",), 1),
        ("fewer rows than LIMIT", [(1, "x")], [(1, "x")], ("a",), 100),
        ("floats within 1e-9", [(1.0 + 1e-12, 1)], [(1.0, 1)], (), None),
        ("a decimal against a float, to the decimal's scale", [(Decimal("0.333333"), 1)], [(1 / 3, 1)], (), None),
        ("a scale that says nothing", [(Decimal("1.50"), 1)], [(Decimal("1.5"), 1)], (), None),
        ("NaN", [(float("nan"), 1)], [(float("nan"), 1)], (), None),
        ("nulls", [(None, 1)], [(None, 1)], ("a",), None),
        ("nested", [([1.0, 2.0], 1)], [([1.0, 2.0], 1)], (), None),
    ],
)
def test_same(name, actual, expected, order, limit):
    assert difference(answer(*actual), answer(*expected), order, limit) is None


@pytest.mark.parametrize(
    "name, actual, expected, order, limit, says",
    [
        ("missing row", [(1, "x")], [(1, "x"), (2, "y")], (), None, "1 rows, expected 2"),
        ("duplicate for another", [(1, "x"), (1, "x")], [(1, "x"), (2, "y")], (), None, "1 of 2 rows differ"),
        ("out of order", [(2, "y"), (1, "x")], [(1, "x"), (2, "y")], ("a",), None, "out of order by (a)"),
        ("illegal choice under LIMIT", [(2, "z")], [(1, "x"), (1, "y"), (2, "z")], ("a",), 1, "out of order"),
        ("row that is in no answer", [(1, "q")], [(1, "x"), (1, "y")], ("a",), 1, "1 of 1 rows differ"),
        ("decimal off by a cent", [(Decimal("1.01"), 1)], [(Decimal("1.02"), 1)], (), None, "differ"),
        ("float off", [(1.000001, 1)], [(1.0, 1)], (), None, "differ"),
        ("null for zero", [(None, 1)], [(0, 1)], (), None, "differ"),
        ("text for number", [("1", 1)], [(1, 1)], (), None, "differ"),
        ("date for timestamp", [(datetime.date(2020, 1, 1), 1)], [(datetime.datetime(2020, 1, 1), 1)], (), None, "differ"),
    ],
)
def test_different(name, actual, expected, order, limit, says):
    assert says in (difference(answer(*actual), answer(*expected), order, limit) or "")


def test_column_count():
    assert "1 columns" in difference(answer((1,), columns=("a",)), answer((1, 2)))


def test_backticks_leave_strings_alone():
    assert backticks("""SELECT 'a "b"' AS "30 days" -- "c" """) == """SELECT 'a "b"' AS `30 days` -- "c" """


@pytest.mark.parametrize(
    "text, keys",
    [
        ("SELECT 1", ()),
        ("SELECT a FROM (SELECT a FROM t ORDER BY z)", ()),
        ('SELECT a FROM t ORDER BY t.a DESC NULLS LAST, "B C", 3', ("a", "b c", "3")),
        ("SELECT a FROM t ORDER BY a, f(b), c", ("a",)),
    ],
)
def test_order_keys(text, keys):
    assert order_keys(text) == keys


def test_final_limit_is_taken_off_for_the_oracle():
    query = parse("q", "SELECT a FROM (SELECT a FROM t LIMIT 5) ORDER BY a LIMIT 10;\n")
    assert (query.limit, query.order) == (10, ("a",))
    assert query.oracle == "SELECT a FROM (SELECT a FROM t LIMIT 5) ORDER BY a"
    assert query.spark.endswith("LIMIT 10")
