"""Little memory: every operator that holds rows spills, says so in /metrics, and answers as a server with plenty does."""

from __future__ import annotations

import os
import re
import urllib.request
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.errors import PySparkException

from conftest import end_session, new_session
from server import Server

pytestmark = pytest.mark.skipif("SPURWHEEL_REMOTE" in os.environ, reason="starts servers of its own")

#: The rows of both data sets: many, and few that are long. They lie in files, so that no projection moves above a join.
ROWS = "SELECT id, id * 7919 % 400009 AS k, concat('text of row ', sha2(cast(id AS string), 512)) AS s FROM range(0, 400000, 1, 4)"
LONG = "SELECT id, repeat(sha2(cast(id AS string), 512), 160) AS s FROM range(0, 5000, 1, 4)"

#: By the label that the operator has in /metrics: a query that makes it hold more than the small server may.
QUERIES = {
    "aggregate": "SELECT k, s, count(*) AS n, max(id) AS m FROM rows GROUP BY k, s",
    "join": "SELECT a.id, a.s, b.k FROM rows a JOIN rows b ON a.k = b.id AND a.s < concat(b.s, 'z')",
    "sort": "SELECT id, s FROM rows ORDER BY s DESC, id",
    "top_n": "SELECT id, s FROM rows ORDER BY s, id LIMIT 390000",
    "window": "SELECT id, s, row_number() OVER (PARTITION BY k % 1000 ORDER BY s) AS n, sum(id) OVER (PARTITION BY k % 1000) AS t FROM rows",
    "shared": "WITH r AS (SELECT k, s, count(*) AS n FROM rows GROUP BY k, s) SELECT a.k, a.n, b.s FROM r a JOIN r b ON a.k = b.k + 1",
    "recursive": "WITH RECURSIVE r AS (SELECT id, s, 1 AS n FROM long UNION ALL SELECT id, s, n + 1 FROM r WHERE n < 3) SELECT id, n, right(s, 100) AS s FROM r",
}

ORDERED = {"sort", "top_n"}


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """One with 64 MiB and one with what it takes, and the folder with the rows of both."""
    data = tmp_path_factory.mktemp("rows")
    with Server(memory="64MiB", threads=2) as small, Server(threads=2) as large:
        session = new_session(large.url)
        session.sql(ROWS).write.parquet(str(data / "rows"))
        session.sql(LONG).write.parquet(str(data / "long"))
        end_session(session)
        yield small, large, data


def spilled(server: Server) -> dict[str, int]:
    """Bytes spilled so far, by kind of operator."""
    with urllib.request.urlopen(f"http://{server.http}/metrics") as page:
        text = page.read().decode()
    found = re.findall(r'^spurwheel_operator_spilled_bytes_total\{operator="(\w+)"\} (\S+)$', text, re.MULTILINE)
    return {kind: int(float(value)) for kind, value in found}


def answer(server: Server, data: Path, query: str, ordered: bool) -> pa.Table:
    session = new_session(server.url)
    try:
        for name in ("rows", "long"):
            session.read.parquet(str(data / name)).createOrReplaceTempView(name)
        table = session.sql(query).toArrow()
    finally:
        end_session(session)
    return table if ordered else table.sort_by([(name, "ascending") for name in table.column_names])


@pytest.mark.parametrize("kind", QUERIES)
def test_it_spills_and_answers_alike(servers, kind):
    small, large, data = servers
    before = spilled(small)
    got = answer(small, data, QUERIES[kind], kind in ORDERED)
    after = spilled(small)
    assert after[kind] > before[kind], f"{kind} did not spill: {after}"
    assert got.equals(answer(large, data, QUERIES[kind], kind in ORDERED))
    assert spilled(large)[kind] == 0
    assert small.alive()


def test_what_cannot_spill_is_refused(servers):
    """A join without keys has nothing to part its rows by."""
    small, _, data = servers
    query = "SELECT count(*), max(a.s), max(b.s) FROM long a JOIN long b ON a.id * b.id % 1000003 < 300"
    with pytest.raises(PySparkException, match="memory budget .* is used up"):
        answer(small, data, query, True)
    assert small.alive()


def test_memory_is_given_back(servers):
    small, _, _ = servers
    with urllib.request.urlopen(f"http://{small.http}/metrics") as page:
        text = page.read().decode()
    booked = re.search(r"^spurwheel_memory_booked_bytes (\S+)$", text, re.MULTILINE)
    assert float(booked[1]) == 0, "bytes stay booked after the queries"


def test_persisted_rows_are_read_where_they_are(tmp_path):
    """With a second worker process: the rows lie in the server's, and what reads them runs there."""
    with Server(threads=1, extra=("--workers", "2")) as server:
        session = new_session(server.url)
        session.range(0, 100_000, 1, 8).selectExpr("id", "id % 1000 AS k").write.parquet(str(tmp_path / "t"))
        files = session.read.parquet(str(tmp_path / "t"))
        kept = session.range(0, 50_000, 1, 4).selectExpr("id", "id * 2 AS twice").cache()
        for _ in range(5):  # where a task runs is the scheduler's choice
            assert kept.count() == 50_000
            assert files.join(kept, "id").groupBy("k").count().count() == 1000
            assert kept.union(files).count() == 150_000
            assert kept.orderBy("twice", ascending=False).first() == (49_999, 99_998)
            assert kept.groupBy((kept.id % 7).alias("m")).agg({"twice": "sum"}).count() == 7
        kept.unpersist()
        assert kept.count() == 50_000
        end_session(session)
