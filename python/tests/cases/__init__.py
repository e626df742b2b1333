"""Small DataFrame programs whose answers were recorded from Apache Spark.

A case is a function `case_<name>(spark)` in one of the modules here. It returns a frame (rows in
any order), `ordered(frame)`, or any plain value. `test_dataframe.py` compares what a server
answers with `cases_expected.json`, which `record_cases.py` writes from a real Spark.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
from contextlib import redirect_stdout
from typing import Any, Callable

from pyspark.sql import DataFrame, SparkSession

from answers import collect, signature

Case = Callable[[SparkSession], Any]


class ordered:  # noqa: N801  reads as a word in the cases
    """Marks a frame whose row order is part of the answer."""

    def __init__(self, frame: DataFrame) -> None:
        self.frame = frame


def all_cases() -> dict[str, Case]:
    """`module.name` -> case, in order of definition."""
    found: dict[str, Case] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        loaded = importlib.import_module(f"{__name__}.{module}")
        for name, value in vars(loaded).items():
            if name.startswith("case_") and value.__module__ == loaded.__name__:
                found[f"{module}.{name.removeprefix('case_')}"] = value
    return found


def run(case: Case, spark: SparkSession) -> dict[str, Any]:
    """Runs a case and renders its answer as JSON-able text."""
    result = case(spark)
    if isinstance(result, (DataFrame, ordered)):
        frame = result.frame if isinstance(result, ordered) else result
        rows = [", ".join(map(render, row)) for row in collect(frame).rows]
        return {"schema": signature(frame), "rows": rows if isinstance(result, ordered) else sorted(rows)}
    return {"value": result if isinstance(result, str) else render(result)}


def render(value: Any) -> str:
    """A value as text: types stay visible, floats carry 12 digits."""
    if isinstance(value, float):
        return format(value, ".12g") + "f"
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{render(k)}: {render(v)}" for k, v in value.items())) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(render, value)) + "]"
    return repr(value)


def shown(frame: DataFrame, *args: Any, **options: Any) -> str:
    """What frame.show prints."""
    return printed(lambda: frame.show(*args, **options))


def printed(action: Callable[[], object]) -> str:
    """What an action prints."""
    text = io.StringIO()
    with redirect_stdout(text):
        action()
    return text.getvalue()
