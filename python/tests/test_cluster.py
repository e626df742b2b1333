"""A cluster of real processes: the same answers as one process, and deaths that cost time only.

The counts are small here; `make test-faults` raises them by the environment.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest
from pyspark.sql import SparkSession

from cluster import Cluster
from conftest import CLUSTER, REMOTE, end_session, new_session, register_tables

pytestmark = pytest.mark.skipif(bool(REMOTE or CLUSTER), reason="starts a cluster of its own")

#: How often each death is tried.
ROUNDS = int(os.environ.get("SPURWHEEL_FAULT_ROUNDS", "2"))

#: What a job may take with a death in it.
DEADLINE = 90

#: Rows that pass through two shuffles; a second or two of work on two cores.
HEAVY = """
select k % 7 as g, count(*) as n, sum(s) as s, max(m) as m
from (select l_partkey % 5000 as k, sum(l_quantity * r.id) as s, max(l_extendedprice) as m
      from lineitem cross join range(12) r group by l_partkey % 5000)
group by k % 7 order by g
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(schedulers=3, workers=3, threads=1, memory="3GiB") as c:
        yield c


@pytest.fixture
def session(cluster: Cluster) -> Iterator[SparkSession]:
    cluster.settle()
    s = new_session(cluster.url)
    register_tables(s, "tpch/sf0.1/duckdb")
    yield s
    end_session(s)


class Running(threading.Thread):
    """A query on its way, in a thread of its own."""

    def __init__(self, session: SparkSession, query: str) -> None:
        super().__init__(daemon=True)
        self.session, self.query = session, query
        self.rows: list | None = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.rows = [tuple(r) for r in self.session.sql(self.query).collect()]
        except BaseException as e:  # noqa: BLE001  the test looks at it
            self.error = e

    def result(self) -> list:
        self.join(DEADLINE)
        if self.is_alive():
            pytest.fail(f"the job hangs: no answer and no error within {DEADLINE} s")
        if self.error:
            raise self.error
        assert self.rows is not None
        return self.rows


def in_mid_job(cluster: Cluster, running: Running, hurt: Callable[[], None]) -> None:
    """Calls hurt while the job has tasks that run; a job that was too quick proves nothing."""
    deadline = time.monotonic() + 30
    while not any(w["running"] for w in cluster.status()["workers"]):
        assert running.is_alive(), "the job ended before the fault: it proves nothing"
        assert time.monotonic() < deadline, "the job never started"
        time.sleep(0.02)
    assert running.is_alive()
    hurt()


def test_status_names_everybody(cluster: Cluster) -> None:
    status = cluster.status()
    assert status["leader"] in {"scheduler-1", "scheduler-2", "scheduler-3"}
    assert len(status["schedulers"]) == 3
    assert len(status["workers"]) == 3


def test_undisturbed(cluster: Cluster, session: SparkSession) -> None:
    first = Running(session, HEAVY).result()
    assert len(first) == 7
    assert Running(session, HEAVY).result() == first


@pytest.mark.parametrize("round", range(ROUNDS))
def test_worker_killed_in_mid_job(cluster: Cluster, session: SparkSession, round: int) -> None:
    want = Running(session, HEAVY).result()
    running = Running(session, HEAVY)
    victim = f"worker-{round % 3 + 1}"
    starts = cluster.starts[victim]
    in_mid_job(cluster, running, lambda: cluster.kill(victim))
    assert running.result() == want
    cluster.await_restart(victim, starts)


@pytest.mark.parametrize("round", range(ROUNDS))
def test_leader_killed_in_mid_job(cluster: Cluster, session: SparkSession, round: int) -> None:
    want = Running(session, HEAVY).result()
    running = Running(session, HEAVY)
    victim = cluster.leader()
    in_mid_job(cluster, running, lambda: cluster.kill(victim))
    assert running.result() == want
    assert session.sql("select count(*) from lineitem").collect()[0][0] > 0, "the session's views survive"


def test_all_schedulers_killed_in_mid_job(cluster: Cluster, session: SparkSession) -> None:
    want = Running(session, HEAVY).result()
    running = Running(session, HEAVY)

    def all_of_them() -> None:
        for name in ("scheduler-1", "scheduler-2", "scheduler-3"):
            cluster.kill(name)

    in_mid_job(cluster, running, all_of_them)
    assert running.result() == want


def test_gateway_killed_in_mid_job(cluster: Cluster, session: SparkSession) -> None:
    want = Running(session, HEAVY).result()
    running = Running(session, HEAVY)
    in_mid_job(cluster, running, lambda: cluster.kill("gateway"))
    assert running.result() == want


def test_a_written_table_is_whole_after_the_leader_died(cluster: Cluster, session: SparkSession, shared_dir: Path) -> None:
    want = session.sql("select count(*), sum(l_quantity) from lineitem cross join range(3)").collect()
    target = str(shared_dir / "out")
    frame = session.sql("select l.* from lineitem l cross join range(3) r")
    failed: list[BaseException] = []

    def write() -> None:
        try:
            frame.write.parquet(target)
        except BaseException as e:  # noqa: BLE001
            failed.append(e)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    time.sleep(0.3)
    victim = cluster.leader()
    assert writer.is_alive(), "the write ended before the fault: it proves nothing"
    cluster.kill(victim)
    writer.join(DEADLINE)
    assert not writer.is_alive(), "the write hangs"
    assert not failed, failed
    assert session.read.parquet(target).selectExpr("count(*)", "sum(l_quantity)").collect() == want
