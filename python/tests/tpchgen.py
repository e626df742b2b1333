"""Generators of the benchmark data sets: TPC-H by two writers, TPC-DS by one.

Its one job is to fill an empty folder with Parquet files, one per table. It knows nothing of
caching, of where data sets live, or of who reads them; `datasets.py` does.

Two writers matter because their files differ: DuckDB writes dictionary pages and its own
encodings, arrow-rs writes others. A reader that passes with one can fail with the other.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

#: DuckDB's default, stated so that files stay alike should the default move.
ROW_GROUP_ROWS = 122_880

#: Large enough for several row groups per table at SF1, small enough to split work at SF0.1.
ARROWRS_ROW_GROUP_BYTES = {"0.1": "4MB", "1": "32MB"}

#: Enough that opening and footers dominate.
SMALL_FILES = 400

TPCH_TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")


def connect(extension: str, threads: int = 2) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with the tpch or tpcds extension loaded from its Python package.

    The file comes from the package, not from DuckDB's own download, so no network is needed.
    """
    package = Path(import_module(f"duckdb_extension_{extension}").__file__).parent
    found = sorted(package.glob(f"extensions/*/{extension}.duckdb_extension"))
    if not found:
        raise FileNotFoundError(f"no {extension}.duckdb_extension below {package}")
    con = duckdb.connect(config={"threads": threads})
    con.execute(f"LOAD '{found[-1]}'")
    return con


def _copy_tables(con: duckdb.DuckDBPyConnection, into: Path) -> None:
    tables = [name for (name,) in con.execute("SHOW TABLES").fetchall()]
    for table in tables:
        con.execute(
            f"COPY {table} TO '{into}/{table}.parquet' "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
        )


def tpch_duckdb(into: Path, sf: str) -> None:
    """The eight TPC-H tables as written by DuckDB."""
    with connect("tpch") as con:
        con.execute(f"CALL dbgen(sf={sf})")
        _copy_tables(con, into)


def many_small_files(into: Path, sf: str) -> None:
    """TPC-H's orders as SMALL_FILES files of a few thousand rows: `small_orders/part-000.parquet` and on."""
    folder = into / "small_orders"
    folder.mkdir()
    with connect("tpch") as con:
        con.execute(f"CALL dbgen(sf={sf})")
        orders = con.execute("FROM orders").fetch_arrow_table()
    each = -(-orders.num_rows // SMALL_FILES)
    for part in range(SMALL_FILES):
        pq.write_table(orders.slice(part * each, each), folder / f"part-{part:03}.parquet", compression="zstd")


def tpcds_duckdb(into: Path, sf: str) -> None:
    """The 24 TPC-DS tables as written by DuckDB."""
    with connect("tpcds") as con:
        con.execute(f"CALL dsdgen(sf={sf})")
        _copy_tables(con, into)


def tpch_arrowrs(into: Path, sf: str) -> None:
    """The eight TPC-H tables as written by arrow-rs, through tpchgen-cli."""
    beside = Path(sys.executable).parent / "tpchgen-cli"
    tool = str(beside) if beside.exists() else shutil.which("tpchgen-cli")
    if tool is None:
        raise FileNotFoundError("tpchgen-cli is not installed in this environment")
    group = ARROWRS_ROW_GROUP_BYTES.get(sf, "32MB")
    subprocess.run(
        [tool, "parquet", "-s", sf, "-o", str(into), "-c", "ZSTD(1)", f"--row-group-bytes={group}"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    missing = [t for t in TPCH_TABLES if not (into / f"{t}.parquet").is_file()]
    if missing:
        raise FileNotFoundError(f"tpchgen-cli did not write {missing}")
