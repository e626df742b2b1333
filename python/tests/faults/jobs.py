"""The jobs that faults strike: queries of some seconds, results that stream, writes. Sums are of integers and decimals only,
so that the same rows give the same digest in whatever order they were added."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from pyspark.sql import SparkSession

from . import digest
from .digest import Digest

DATASET = "tpch/sf0.1/duckdb"


@dataclass(frozen=True)
class Job:
    """One kind of job. `run` gives the digest of its answer; a write is read back after it has ended."""

    name: str
    run: Callable[[SparkSession, Path], Digest]
    prepare: Callable[[SparkSession, Path], None] = lambda session, folder: None
    #: What is there when the job has failed with an error must be one of: all, nothing new. None: it leaves nothing behind.
    left: Callable[[SparkSession, Path], Digest] | None = None


def query(name: str, text: str, ordered: bool = False) -> Job:
    """A query whose rows the client takes all."""
    return Job(name, lambda session, _: digest.of(session.sql(text).toArrow(), ordered))


AGGREGATE = """
select l_partkey % 20000 as k, count(*) as n, sum(l_quantity * r.id) as q, max(l_extendedprice) as m, min(l_shipdate) as d
from lineitem cross join range(60) r group by l_partkey % 20000"""

JOIN = """
select n_name, o_orderpriority, count(*) as n, sum(l_extendedprice * (r.id + 1)) as s
from lineitem join orders on l_orderkey = o_orderkey join customer on o_custkey = c_custkey
join nation on c_nationkey = n_nationkey cross join range(60) r
group by n_name, o_orderpriority"""

SORT = """
select l_extendedprice, l_orderkey, l_linenumber, r.id from lineitem cross join range(5) r
order by l_extendedprice desc, l_orderkey, l_linenumber, r.id"""

WINDOW = """
select l_suppkey, sum(s) as s, max(place) as m from (
  select l_suppkey, sum(l_quantity) over w as s, rank() over w as place
  from lineitem cross join range(8) r
  window w as (partition by l_suppkey order by l_shipdate, l_orderkey, l_linenumber, r.id))
group by l_suppkey"""

DISTINCT = """
select l_shipmode, count(distinct l_orderkey * 10 + r.id) as n from lineitem cross join range(20) r group by l_shipmode"""

SEMI = """
select c_custkey, c_name, o_orderkey, sum(l_quantity) as q, count(*) as n
from customer join orders on c_custkey = o_custkey join lineitem on o_orderkey = l_orderkey cross join range(40) r
where o_orderkey in (select l_orderkey from lineitem group by l_orderkey having sum(l_quantity) > 150)
group by c_custkey, c_name, o_orderkey"""

STREAM = "select l.*, r.id from lineitem l cross join range(2) r"

ROWS = "select l_orderkey, l_linenumber, l_quantity, l_extendedprice, l_shipmode, l_returnflag, r.id from lineitem cross join range(3) r"


def _read(session: SparkSession, folder: Path) -> Digest:
    columns = "l_orderkey", "l_linenumber", "l_quantity", "l_extendedprice", "l_shipmode", "l_returnflag", "id"
    if not any(folder.glob("out/**/*.parquet")):
        return digest.EMPTY
    return digest.of(session.read.parquet(str(folder / "out")).select(*columns).toArrow())


def _seed(session: SparkSession, folder: Path) -> None:
    shutil.rmtree(folder / "out", ignore_errors=True)
    session.sql(ROWS).where("l_orderkey < 100").write.parquet(str(folder / "out"))


def _write(mode: str, *by: str) -> Callable[[SparkSession, Path], Digest]:
    def run(session: SparkSession, folder: Path) -> Digest:
        writer = session.sql(ROWS).write.mode(mode)
        (writer.partitionBy(*by) if by else writer).parquet(str(folder / "out"))
        return _read(session, folder)

    return run


def _table(folder: Path) -> str:
    return "faults_" + folder.name.replace("-", "_")


def _create(session: SparkSession, folder: Path) -> None:
    session.sql(f"drop table if exists {_table(folder)}")
    session.sql(f"create table {_table(folder)} using parquet as {ROWS} where l_orderkey < 100")


def _insert(session: SparkSession, folder: Path) -> Digest:
    session.sql(f"insert into {_table(folder)} {ROWS}")
    return _select(session, folder)


def _select(session: SparkSession, folder: Path) -> Digest:
    return digest.of(session.table(_table(folder)).toArrow())


QUERIES = (
    query("aggregate", AGGREGATE),
    query("join", JOIN),
    query("sort", SORT, ordered=True),
    query("window", WINDOW),
    query("distinct", DISTINCT),
    query("semi-join", SEMI),
    query("stream", STREAM),
)

WRITES = (
    Job("append", _write("append"), _seed, _read),
    Job("overwrite", _write("overwrite"), _seed, _read),
    Job("partitioned", _write("error", "l_shipmode", "l_returnflag"), left=_read),
    Job("insert", _insert, _create, _select),
)

ALL = {job.name: job for job in (*QUERIES, *WRITES)}
