"""The TPC-H and TPC-DS query texts, in DuckDB's words and in Spark's.

The texts are read from DuckDB's extensions at run time, none is kept here. What differs between
the dialects is rewritten by rule, not by hand: quoted aliases become backticks, and the text for
the oracle loses its final LIMIT so that ties at the cut can be judged (see `compare.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

try:
    from . import tpchgen
except ImportError:  # used from a script
    import tpchgen  # type: ignore[no-redef]

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|\w+|[(),]|[^\s\w]")
_LIMIT = re.compile(r"\s+limit\s+(\d+)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Query:
    """One query: `spark` is the text to test, `oracle` the same without its final LIMIT."""

    name: str
    spark: str
    oracle: str
    limit: int | None
    order: tuple[str, ...]


@lru_cache(maxsize=None)
def suite(family: str) -> dict[int, Query]:
    """All queries of `tpch` or `tpcds` by number."""
    with tpchgen.connect(family) as con:
        texts = con.execute(f"SELECT query_nr, query FROM {family}_queries() ORDER BY 1").fetchall()
    return {number: parse(f"q{number}", text) for number, text in texts}


def parse(name: str, text: str) -> Query:
    """A query from DuckDB's text."""
    text = text.strip().rstrip(";").strip()
    cut = _LIMIT.search(text)
    return Query(
        name=name,
        spark=backticks(text),
        oracle=text[: cut.start()] if cut else text,
        limit=int(cut.group(1)) if cut else None,
        order=order_keys(text[: cut.start()] if cut else text),
    )


def backticks(text: str) -> str:
    """Turns double-quoted identifiers into Spark's backticked ones; strings and comments stay."""

    def quote(match: re.Match[str]) -> str:
        token = match.group(0)
        return "`" + token[1:-1].replace('""', '"').replace("`", "``") + "`" if token[0] == '"' else token

    return _TOKEN.sub(quote, text)


def order_keys(text: str) -> tuple[str, ...]:
    """The keys of the outermost ORDER BY: column names in lower case, ordinals as digits.

    Stops at the first key that is neither, because what follows it is ordered only within it.
    """
    tokens = [t for t in _TOKEN.findall(text) if not t.startswith("--")]
    start = _outermost_order_by(tokens)
    keys: list[str] = []
    for key in _split_top_level(tokens[start:]) if start else []:
        words = [w for w in key if w.lower() not in ("asc", "desc", "nulls", "first", "last")]
        if len(words) == 3 and words[1] == ".":
            words = words[2:]
        if len(words) != 1:
            break
        keys.append(words[0].strip('"').lower())
    return tuple(keys)


def _outermost_order_by(tokens: list[str]) -> int:
    depth, found = 0, 0
    for at, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        if depth == 0 and token.lower() == "order" and tokens[at + 1].lower() == "by":
            found = at + 2
    return found


def _split_top_level(tokens: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token == "(") - (token == ")")
        if token == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
