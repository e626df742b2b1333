"""Records what Apache Spark answers into the expectation files; run against a real Spark only.

    SPURWHEEL_REMOTE=sc://127.0.0.1:15102 python python/tests/record.py

Writes `tpch_expected.json` (name and type of every column; the writers' integers differ) and `tpcds_expected.json` (the same,
with the row count at SF0.1 and whether the answer equals DuckDB's).
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import answers
import compare
import oracle
import queries
from conftest import new_session, register_tables

HERE = Path(__file__).parent


def main() -> int:
    url = os.environ["SPURWHEEL_REMOTE"]
    schemas, wrong = {}, []
    for writer in ("duckdb", "arrowrs"):
        schemas[writer], found = record_tpch(url, f"tpch/sf0.1/{writer}")
        wrong += found
    _write("tpch_expected.json", schemas)
    wrong += record_tpcds(url)
    print("\n".join(wrong) or "every answer equals DuckDB's")
    return 0


def record_tpch(url: str, dataset: str) -> tuple[dict, list[str]]:
    session = new_session(url)
    register_tables(session, dataset)
    schemas, wrong = {}, []
    for query in queries.suite("tpch").values():
        frame = session.sql(query.spark)
        schemas[query.name] = answers.signature(frame)
        wrong += _judge(dataset, query, answers.collect(frame))
    return schemas, wrong


def record_tpcds(url: str) -> list[str]:
    session = new_session(url)
    dataset = "tpcds/sf0.1/duckdb"
    register_tables(session, dataset)
    recorded, wrong = {}, []
    for query in queries.suite("tpcds").values():
        frame = session.sql(query.spark)
        actual = answers.collect(frame)
        found = _judge(dataset, query, actual)
        recorded[query.name] = {"rows": len(actual.rows), "duckdb": "other" if found else "equal", "schema": answers.signature(frame)}
        wrong += found
        print(query.name, len(actual.rows), "differs" if found else "equal", flush=True)
    _write("tpcds_expected.json", {**_kept(), "queries": recorded})
    return wrong


def _judge(dataset: str, query: queries.Query, actual: compare.Answer) -> list[str]:
    found = compare.difference(actual, oracle.answer(dataset, query), query.order, query.limit)
    return [f"{dataset} {query.name}: {found}"] if found else []


def _dense(content: dict) -> str:
    """JSON with one query a line, so that a diff shows which one changed."""
    text = json.dumps(content, ensure_ascii=False)
    return re.sub(r'("q\d+": )', r"\n\1", text)


def _kept() -> dict:
    """What a person decides and a recording leaves alone: the floor and the allowed errors."""
    file = HERE / "tpcds_expected.json"
    known = json.loads(file.read_text()) if file.is_file() else {}
    return {"floor": known.get("floor", 90), "allowed": known.get("allowed", {})}


def _write(name: str, content: dict) -> None:
    (HERE / name).write_text(_dense(content) + "\n")


if __name__ == "__main__":
    sys.exit(main())
