"""Every example in docs/functions.md runs and gives what the document says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator

import pytest
from pyspark.sql import SparkSession

DOCUMENT = Path(__file__).parents[2] / "docs" / "functions.md"


def rows_of_document() -> Iterator[tuple[str, str, str]]:
    """Name, example and result of every function that has both."""
    for line in DOCUMENT.read_text().splitlines():
        cells = [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != 4 or not cells[0].startswith("`"):
            continue
        example, result = (c.strip("`") for c in cells[2:])
        if example and result:
            yield cells[0], example, result


def shown(session: SparkSession, sql: str) -> str:
    """The answer as the document writes it: rows apart by semicolons, columns by commas."""
    text = session.sql(sql)._show_string(50, 0, False)  # noqa: SLF001  what show() prints
    rows = [line for line in text.split("\n") if line.startswith("|")][1:]
    return "; ".join(", ".join(cell.strip() for cell in row[1:-1].split("|")) for row in rows)


def plain(text: str) -> str:
    return re.sub(r"\s", "", text).replace("->", ":")


def test_examples_of_functions(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.session.timeZone", "America/Los_Angeles")
    wrong = []
    count = 0
    for name, example, result in rows_of_document():
        count += 1
        try:
            got = shown(spark, example)
        except Exception as error:  # noqa: BLE001  reported below, with the others
            got = f"{type(error).__name__}: {error}"
        if plain(got) != plain(result):
            wrong.append(f"{name}: {example}\n  gave {got}\n  not  {result}")
    if wrong:
        pytest.fail("\n".join(wrong))
    assert count > 300, "the document has lost its examples"
