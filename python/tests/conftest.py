"""Fixtures: one server for the run, one fresh Spark session for each test.

`SPURWHEEL_REMOTE=sc://host:port` runs the tests against a server that is already there; that is
how the expectations themselves are checked against Apache Spark.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import pytest
from pyspark.sql import SparkSession

import datasets
from cluster import Cluster
from server import Server

REMOTE = os.environ.get("SPURWHEEL_REMOTE")

#: `3,3` runs the tests on a cluster of three schedulers and three workers instead of one process.
CLUSTER = os.environ.get("SPURWHEEL_CLUSTER")


#: Keeps ended sessions from being collected: PySpark 4.1's SparkSession.__del__ shuts a thread pool
#: down, and deadlocks when the collector runs it inside another session's submit to its own pool.
_kept: list[SparkSession] = []


def new_session(url: str) -> SparkSession:
    """A session of its own, even if another is active."""
    session = SparkSession.builder.remote(url).create()
    _kept.append(session)
    return session


def end_session(session: SparkSession) -> None:
    """Ends a session that a test may have ended, or whose server may have died."""
    try:
        session.stop()
    except Exception:  # noqa: BLE001  the test itself has already judged
        pass


@pytest.fixture(scope="session")
def own_server() -> Iterator[Server | None]:
    """The server process this run started, or None with SPURWHEEL_REMOTE."""
    if REMOTE:
        yield None
        return
    if CLUSTER:
        schedulers, workers = map(int, CLUSTER.split(","))
        with Cluster(schedulers, workers, threads=2) as server:
            yield server
        return
    with Server(threads=2) as server:
        yield server


@pytest.fixture(scope="session")
def url(own_server: Server | None) -> str:
    return own_server.url if own_server else str(REMOTE)


@pytest.fixture
def spark(url: str, own_server: Server | None) -> Iterator[SparkSession]:
    """A fresh session, ended afterwards. A server that did not survive the test fails it."""
    session = new_session(url)
    yield session
    end_session(session)
    if own_server and not own_server.alive():
        pytest.exit("the server died:\n" + "\n".join(own_server.log), returncode=3)


@pytest.fixture
def shared_dir(tmp_path: Path) -> Path:
    """An empty folder that both client and server reach."""
    tmp_path.chmod(0o777)
    return tmp_path


def register_tables(session: SparkSession, dataset: str) -> None:
    """Makes every table of a data set a temp view."""
    for table, file in datasets.tables(dataset).items():
        session.read.parquet(str(file)).createOrReplaceTempView(table)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of `known_gaps.txt` must fail: what Spark does and Spurwheel does not yet. A gap that is
    closed fails the run until its line is removed, so the list only gets shorter."""
    if REMOTE:
        return
    gaps = dict(_known_gaps())
    for item in items:
        reason = gaps.get(item.name)
        if reason:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def _known_gaps() -> Iterator[tuple[str, str]]:
    for line in (Path(__file__).parent / "known_gaps.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, reason = line.partition(" # ")
            yield name, reason
