"""Results of a Spark session in the shape that `compare.py` takes."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, Row

from compare import Answer


def collect(frame: DataFrame) -> Answer:
    """Runs the frame and gives its columns and rows as plain Python values."""
    return Answer(tuple(frame.columns), [tuple(_plain(v) for v in row) for row in frame.collect()])


def _plain(value: Any) -> Any:
    if isinstance(value, Row):
        return tuple(_plain(v) for v in value)
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, bytearray):
        return bytes(value)
    return value


def signature(frame: DataFrame) -> list[str]:
    """`name: type` per column; nullability is not part of it."""
    return [f"{field.name}: {field.dataType.simpleString()}" for field in frame.schema.fields]
