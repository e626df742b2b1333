"""TPC-H at SF0.1 must answer alike however the server runs: one thread, little memory (operators
spill), and over a second worker process (stages, shuffles and stored results on the way)."""

from __future__ import annotations

import os

import pytest

import answers
import compare
import oracle
import queries
from conftest import end_session, new_session, register_tables
from server import Server

MODES = {
    "one-thread": {"threads": 1},
    "little-memory": {"memory": "128MiB", "threads": 2},
    "two-workers": {"threads": 1, "extra": ("--workers", "2")},
}

pytestmark = pytest.mark.skipif(
    "SPURWHEEL_REMOTE" in os.environ, reason="starts servers of its own; SPURWHEEL_REMOTE names one that runs"
)


@pytest.fixture(scope="module", params=sorted(MODES))
def tpch(request):
    with Server(**MODES[request.param]) as server:
        session = new_session(server.url)
        register_tables(session, "tpch/sf0.1/duckdb")
        yield session
        end_session(session)


@pytest.mark.parametrize("number", range(1, 23))
def test_sql(tpch, number):
    query = queries.suite("tpch")[number]
    expected = oracle.answer("tpch/sf0.1/duckdb", query)
    assert compare.difference(answers.collect(tpch.sql(query.spark)), expected, query.order, query.limit) is None
