"""Breadth of the DataFrame and SQL surface: the recorded cases, one test each.

`allowed` in `cases_expected.json` names the cases that may still fail and the condition they fail
with; a case that has begun to pass must be taken off it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.errors import PySparkException

import cases
from conftest import REMOTE

RECORDED = json.loads((Path(__file__).parent / "cases_expected.json").read_text())
CASES = cases.all_cases()


def test_every_case_is_recorded():
    assert sorted(CASES) == sorted(RECORDED["cases"])
    assert set(RECORDED["allowed"]) <= set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_case(spark, name):
    allowed = None if REMOTE else RECORDED["allowed"].get(name)
    try:
        answer = cases.run(CASES[name], spark)
    except PySparkException as error:
        if allowed and error.getCondition() == allowed:
            return
        raise
    assert answer == RECORDED["cases"][name]
    assert allowed is None, f"{name} passes: take it off `allowed`"
