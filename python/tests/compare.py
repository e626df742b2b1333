"""When two answers to one query are the same answer.

Rows are compared as multisets; where the query says ORDER BY, the ordered columns must also stand
in the expected order, and rows that tie on them may come in any. Under a LIMIT the expectation is
the answer *without* it: the result must be some legal choice of that many rows.

Decimals, integers, dates and strings must be equal exactly. Floats may differ by a relative
1e-9. Where one engine answers a decimal and the other a float (Spark averages decimals as
decimals, DuckDB as doubles), the decimal's own scale bounds the difference.

It knows no engine: rows are tuples of Python values.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Sequence

RELATIVE = 1e-9

#: Rows shown on each side of a difference; enough to see a pattern, short enough to read.
SHOWN = 10

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """Column names and rows of a result."""

    columns: tuple[str, ...]
    rows: list[Row]


def difference(
    actual: Answer, expected: Answer, order: Sequence[str] = (), limit: int | None = None
) -> str | None:
    """What is different, as text for a person, or None if the answers are the same."""
    if len(actual.columns) != len(expected.columns):
        return f"{len(actual.columns)} columns {actual.columns}, expected {len(expected.columns)} {expected.columns}"
    wanted = len(expected.rows) if limit is None else min(limit, len(expected.rows))
    if len(actual.rows) != wanted:
        return f"{len(actual.rows)} rows, expected {wanted}" + _sample(actual.rows, expected.rows)
    return _order_difference(actual, expected, order) or _multiset_difference(actual.rows, expected.rows)


def same_value(a: Any, b: Any) -> bool:
    """Whether two values of one column are the same under the rules above."""
    if a is None or b is None:
        return a is b
    if isinstance(a, float) or isinstance(b, float):
        return _close(a, b)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_value(a[k], b[k]) for k in a)
    if isinstance(a, str) != isinstance(b, str):
        return False
    return a == b


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, (str, bytes)) or isinstance(b, (str, bytes)):
        return False
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    unit = max((_unit(v) for v in (a, b) if isinstance(v, Decimal)), default=0.0)
    return x == y or abs(x - y) <= max(RELATIVE * max(abs(x), abs(y)), unit)


def _unit(value: Decimal) -> float:
    """One unit in the last place of a decimal, as its scale has it."""
    return 10.0 ** value.as_tuple().exponent


def _order_difference(actual: Answer, expected: Answer, order: Sequence[str]) -> str | None:
    columns = _positions(expected.columns, order)
    for at, (got, want) in enumerate(zip(actual.rows, expected.rows)):
        if not all(same_value(got[c], want[c]) for c in columns):
            names = ", ".join(expected.columns[c] for c in columns)
            return (
                f"row {at} is out of order by ({names}):\n  got      {_show(got)}\n  expected {_show(want)}"
            )
    return None


def _positions(columns: Sequence[str], order: Sequence[str]) -> list[int]:
    lowered = [name.lower() for name in columns]
    found = []
    for key in order:
        if key.isdigit():
            found.append(int(key) - 1)
        elif lowered.count(key) == 1:
            found.append(lowered.index(key))
        else:
            break
    return found


def _multiset_difference(actual: list[Row], expected: list[Row]) -> str | None:
    """Actual rows that no expected row is left for; equal counts make this equality."""
    approximate = _approximate_columns(actual, expected)
    left: dict[Row, list[Row]] = defaultdict(list)
    for row in expected:
        left[_exact_part(row, approximate)].append(row)
    unmatched = []
    for row in sorted(actual, key=lambda r: _float_part(r, approximate)):
        candidates = left.get(_exact_part(row, approximate), [])
        match = next((i for i, c in enumerate(candidates) if all(map(same_value, row, c))), None)
        if match is None:
            unmatched.append(row)
        else:
            candidates.pop(match)
    if not unmatched:
        return None
    rest = [row for rows in left.values() for row in rows]
    return f"{len(unmatched)} of {len(actual)} rows differ" + _sample(unmatched, rest)


def _approximate_columns(*tables: list[Row]) -> set[int]:
    return {c for rows in tables for row in rows for c, v in enumerate(row) if isinstance(v, (float, list, dict))}


def _exact_part(row: Row, approximate: set[int]) -> Row:
    return tuple(v for c, v in enumerate(row) if c not in approximate)


def _float_part(row: Row, approximate: set[int]) -> Row:
    return tuple(
        (row[c] is None, float(row[c]) if isinstance(row[c], (float, int, Decimal)) else 0.0) for c in sorted(approximate)
    )


def _sample(got: list[Row], want: list[Row]) -> str:
    lines = [f"  got      {_show(row)}" for row in got[:SHOWN]] + [f"  expected {_show(row)}" for row in want[:SHOWN]]
    return "\n" + "\n".join(lines)


def _show(row: Row) -> str:
    return "(" + ", ".join(repr(v) if not isinstance(v, Decimal) else f"{v}d" for v in row) + ")"
