"""The 99 TPC-DS queries: each answers as DuckDB does, or fails with a typed error; never wrong.

A report per query (equal, error and its condition, wrong) goes to `build/tpcds-sf<SF>.json` and
to the terminal. How many must be equal stands in `tpcds_expected.json` under `floor`; which ones
may fail, under `allowed`, query by query with the condition they fail with.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from pyspark.errors import PySparkException

import answers
import compare
import datasets
import oracle
import queries
from conftest import REMOTE, end_session, new_session, register_tables

EXPECTED = json.loads((Path(__file__).parent / "tpcds_expected.json").read_text())
SCALE = os.environ.get("SPURWHEEL_TPCDS_SF", "0.1")
DATASET = f"tpcds/sf{SCALE}/duckdb"


@pytest.fixture(scope="module")
def tpcds(url):
    session = new_session(url)
    register_tables(session, DATASET)
    yield session
    end_session(session)


@pytest.fixture(scope="module")
def outcomes():
    """Query name -> verdict; written out as the module ends, for a person and for STATUS.md."""
    verdicts: dict[str, dict] = {}
    yield verdicts
    report = datasets.CHECKOUT / "build" / f"tpcds-sf{SCALE}.json"
    report.parent.mkdir(exist_ok=True)
    report.write_text(json.dumps(verdicts, indent=1) + "\n")
    counts = Counter(v["verdict"] for v in verdicts.values())
    print(f"\nTPC-DS SF{SCALE}: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common()))


@pytest.mark.parametrize("number", range(1, 100))
def test_query(tpcds, outcomes, number):
    query = queries.suite("tpcds")[number]
    allowed = None if REMOTE else EXPECTED["allowed"].get(query.name)
    try:
        frame = tpcds.sql(query.spark)
        types, actual = answers.signature(frame), answers.collect(frame)
    except PySparkException as error:
        condition = error.getCondition()
        outcomes[query.name] = {"verdict": "error", "condition": condition, "message": str(error)[:300]}
        assert condition, f"an error without a condition: {error}"
        assert condition == allowed, f"{condition}: {str(error)[:500]}"
        return
    found = compare.difference(actual, oracle.answer(DATASET, query), query.order, query.limit)
    outcomes[query.name] = {"verdict": "wrong" if found else "equal", "rows": len(actual.rows), "types": types}
    assert found is None, found
    assert types == EXPECTED["queries"][query.name]["schema"]


def test_floor(outcomes):
    """Guards the promise even if `allowed` grows."""
    if len(outcomes) < 99:
        pytest.skip("needs the whole module to have run")
    assert sum(v["verdict"] == "equal" for v in outcomes.values()) >= EXPECTED["floor"]
