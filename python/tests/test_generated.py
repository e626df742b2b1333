"""Random queries over small tables with nulls and duplicates: the rows are DuckDB's.

A failing seed prints its query; `generator.query(seed)` makes it again.
"""

from __future__ import annotations

import collections
import decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import PySparkException

import generator

#: Seeds of one test, which share tables.
SEEDS = 160

#: Queries that neither engine is asked twice for: forms that DuckDB refuses.
MOST_REFUSED = 0.1

ARROW = {"i": pa.int32(), "s": pa.string(), "x": pa.decimal128(8, 2)}


#: Statements whose answers were wrong once.
FOUND = [
    "SELECT * FROM t1 p JOIN t1 q ON p.c = q.a JOIN t2 r ON q.c = p.c",
    "SELECT * FROM t0 p WHERE -1 NOT IN (SELECT q.a FROM t1 q LEFT JOIN t0 r ON r.s <> r.s WHERE r.b >= p.a) OR p.b IN (7, 8)",
    "SELECT * FROM t0 p WHERE p.s >= (SELECT max(q.s) FROM t2 q WHERE q.s = p.s OR q.b IS NOT NULL)",
    "SELECT a, (WITH w AS (SELECT b FROM t2 WHERE t2.a = p.a) SELECT count(*) FROM w x, w y) FROM t0 p",
    "SELECT p.a FROM t0 p WHERE NOT (p.b IN (SELECT q.c FROM t1 q) OR p.a = 3)",
]


def register(spark, con, folder, seed: int) -> None:
    """Makes the tables of a seed known to both; the files have several row groups."""
    for name, rows in generator.data(seed).items():
        columns = generator.TABLES[name]
        schema = pa.schema([(column, ARROW[kind]) for column, kind in columns])
        arrays = [pa.array([row[i] for row in rows], field.type) for i, field in enumerate(schema)]
        file = str(folder / f"{name}.parquet")
        pq.write_table(pa.table(arrays, schema=schema), file, row_group_size=3)
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet('{file}')")
        spark.read.parquet(file).createOrReplaceTempView(name)


def bag(rows) -> collections.Counter:
    """Rows as a multiset; a decimal's scale says nothing."""
    return collections.Counter(tuple(v.normalize() if isinstance(v, decimal.Decimal) else v for v in row) for row in rows)


@pytest.mark.parametrize("text", FOUND)
def test_found_before(spark, shared_dir, text):
    con = duckdb.connect(config={"threads": 1})
    register(spark, con, shared_dir, 0)
    assert bag(spark.sql(text).collect()) == bag(con.execute(text).fetchall())


@pytest.mark.parametrize("block", range(5))
def test_equal_to_duckdb(spark, shared_dir, block):
    con = duckdb.connect(config={"threads": 1})
    con.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'")
    register(spark, con, shared_dir, block)
    wrong, refused = [], 0
    for seed in range(1000 * block, 1000 * block + SEEDS):
        text = generator.query(seed)
        try:
            expected = bag(con.execute(generator.duckdb(text)).fetchall())
        except duckdb.Error:
            refused += 1
            continue
        try:
            actual = bag(spark.sql(text).collect())
        except PySparkException as error:
            wrong.append(f"seed {seed}: {error}\n{text}")
            continue
        if actual != expected:
            wrong.append(f"seed {seed}: {list(actual.items())[:5]} instead of {list(expected.items())[:5]}\n{text}")
    assert not wrong, "\n\n".join(wrong)
    assert refused < MOST_REFUSED * SEEDS
