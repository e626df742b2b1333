"""One engine's Python door, in a process of its own: reads requests, runs queries, times them.

A line of JSON in, a line of JSON out. `{"tables": {name: path}}` declares tables, `{"sql": text}`
runs a query to its last Arrow byte and answers `{"wall": seconds, "rows": n}`; with `"keep": path`
the rows are pickled there for the check. A failing query answers `{"error": text}`.

    python worker.py duckdb THREADS | python worker.py connect URL
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time


class DuckDB:
    def __init__(self, threads: str) -> None:
        import duckdb

        self._con = duckdb.connect(config={"threads": int(threads)})
        self._con.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'")

    def table(self, name: str, path: str) -> None:
        files = path + "/*.parquet" if os.path.isdir(path) else path
        self._con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{files}')")

    def arrow(self, sql: str):
        return self._con.execute(sql).to_arrow_table()


class Connect:
    def __init__(self, url: str) -> None:
        from pyspark.sql import SparkSession

        self._spark = SparkSession.builder.remote(url).create()

    def table(self, name: str, path: str) -> None:
        self._spark.read.parquet(path).createOrReplaceTempView(name)

    def arrow(self, sql: str):
        return self._spark.sql(sql).toArrow()


def main(kind: str, argument: str) -> None:
    # Answers go to a copy of stdout: nothing that an engine prints can get between them.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    door = {"duckdb": DuckDB, "connect": Connect}[kind](argument)
    print(json.dumps({"ready": True}), file=out, flush=True)
    for line in sys.stdin:
        try:
            answer = serve(door, json.loads(line))
        except Exception as error:  # noqa: BLE001  the driver reports it
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        print(json.dumps(answer), file=out, flush=True)


def serve(door, request: dict) -> dict:
    for name, path in request.get("tables", {}).items():
        door.table(name, path)
    if "sql" not in request:
        return {}
    began = time.perf_counter()
    table = door.arrow(request["sql"])
    wall = time.perf_counter() - began
    if keep := request.get("keep"):
        columns = [column.to_pylist() for column in table.columns]
        with open(keep, "wb") as file:
            pickle.dump((table.column_names, list(zip(*columns))), file)
    return {"wall": wall, "rows": table.num_rows}


if __name__ == "__main__":
    main(*sys.argv[1:])
