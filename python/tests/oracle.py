"""DuckDB's answers over the same Parquet files that the server under test reads.

Its NULL order is set to Spark's, so that ORDER BY with LIMIT keeps the same rows.
"""

from __future__ import annotations

from functools import lru_cache

import duckdb

try:
    from . import compare, datasets, queries
except ImportError:  # used from a script
    import compare, datasets, queries  # type: ignore[no-redef]


@lru_cache(maxsize=None)
def database(dataset: str) -> duckdb.DuckDBPyConnection:
    """A DuckDB with one view per table of the data set."""
    con = duckdb.connect(config={"threads": 2})
    con.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'")
    for table, file in datasets.tables(dataset).items():
        con.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{file}')")
    return con


@lru_cache(maxsize=256)
def answer(dataset: str, query: queries.Query) -> compare.Answer:
    """The answer without the query's final LIMIT."""
    cursor = database(dataset).execute(query.oracle)
    columns = tuple(column[0] for column in cursor.description)
    return compare.Answer(columns, cursor.fetchall())
