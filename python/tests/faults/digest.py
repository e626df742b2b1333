"""What tells two sets of rows apart: count, sum and xor of their rows' hashes, by DuckDB and not by the engine under test."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy
import pyarrow


@dataclass(frozen=True)
class Digest:
    """Equal for the same rows; a row too many, too few or changed makes it another."""

    rows: int
    total: int
    crossed: int

    def __str__(self) -> str:
        return f"{self.rows} rows, {self.total & 0xFFFFFFFFFFFF:012x}"


EMPTY = Digest(0, 0, 0)


def of(table: pyarrow.Table, ordered: bool = False) -> Digest:
    """The digest of rows in any order, or with `ordered` in just this one."""
    if table.num_rows == 0:
        return EMPTY
    table = table.rename_columns([f"c{i}" for i in range(table.num_columns)])
    if ordered:
        table = table.append_column("place", pyarrow.array(numpy.arange(table.num_rows)))
    with duckdb.connect(config={"threads": 1}) as db:
        db.register("answer", table)
        row = db.execute("select count(*), sum(hash(t)::hugeint), bit_xor(hash(t)) from answer t").fetchone()
    assert row is not None
    return Digest(*map(int, row))
