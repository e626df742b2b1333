"""TPC-H at SF0.1 over two writers' Parquet files: every answer equals DuckDB's, every type is Spark's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import answers
import compare
import oracle
import queries
import tpch_dataframe
from conftest import end_session, new_session, register_tables

#: `name: type` per column as Apache Spark 4.1 answers; recorded by record.py.
SCHEMAS = json.loads((Path(__file__).parent / "tpch_expected.json").read_text())

#: SF0.1 in every run; SPURWHEEL_TPCH_SF=1 for the proof.
SCALE = os.environ.get("SPURWHEEL_TPCH_SF", "0.1")


@pytest.fixture(scope="module", params=["duckdb", "arrowrs"])
def tpch(request, url):
    """A session whose temp views are the eight tables, the name of its data set, and its writer."""
    session = new_session(url)
    dataset = f"tpch/sf{SCALE}/{request.param}"
    register_tables(session, dataset)
    yield session, dataset, request.param
    end_session(session)


@pytest.mark.parametrize("number", range(1, 23))
def test_sql(tpch, number):
    session, dataset, writer = tpch
    query = queries.suite("tpch")[number]
    frame = session.sql(query.spark)
    assert answers.signature(frame) == SCHEMAS[writer][query.name]
    expected = oracle.answer(dataset, query)
    assert compare.difference(answers.collect(frame), expected, query.order, query.limit) is None


@pytest.mark.parametrize("number", sorted(tpch_dataframe.PROGRAMS))
def test_dataframe_program(tpch, number):
    session, dataset, _ = tpch
    query = queries.suite("tpch")[number]
    frame = tpch_dataframe.PROGRAMS[number](session)
    expected = oracle.answer(dataset, query)
    assert compare.difference(answers.collect(frame), expected, query.order, query.limit) is None
