"""TPC-H and four control queries through each engine's own Python door, interleaved in one run.

    python bench/rivals/tpch.py [--sf 1] [--rounds 4] [--engines spurwheel,duckdb,sail,spark] [--queries q1,strings,...]

Runs under the tests' interpreter (query texts, data sets, oracle); the engines run under the
rivals' (see engines.py), which is installed on first use. Each round asks every query of every
engine in turn, so that the machine's moods hit all alike. The first round's answers are compared
with the oracle; exit status 1 says that Spurwheel had one wrong. Writes `bench/results/tpch-sf<SF>.json` and `.md`.
"""

from __future__ import annotations

import argparse
import os
import pickle
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(CHECKOUT / "python" / "tests")]

import compare  # noqa: E402
import controls  # noqa: E402
import datasets  # noqa: E402
import engines  # noqa: E402
import oracle  # noqa: E402
import queries  # noqa: E402
import report  # noqa: E402


def main() -> int:
    options = _options()
    dataset = f"tpch/sf{options.sf}/{options.writer}"
    paths = tables(dataset, options.sf)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that the engines are ended
    asked = asked_queries(options.queries)
    runs = []
    try:
        for name in options.engines:
            runs.append(Run(engines.ENGINES[name](options.threads, options.memory), paths))
        for done in rounds_of(runs, asked, options.rounds, dataset, paths["small_orders"]):
            # Written after every round: a run that is ended early has its result too.
            result = _result(options, runs, done)
            written = report.write(CHECKOUT / "bench" / "results", f"tpch-sf{options.sf}{options.suffix}", result)
            print(f"round {done} of {options.rounds} done", flush=True)
    finally:
        for run in runs:
            run.engine.stop()
    print("\n" + report.table(result) + "\n" + "\n".join(map(str, written)))
    return 0 if all(run.right() for run in runs if run.engine.name == "spurwheel") else 1


def tables(dataset: str, sf: str) -> dict[str, str]:
    """Table name -> path, of everything that the queries name."""
    found = {name: str(file) for name, file in datasets.tables(dataset).items()}
    return found | {"small_orders": str(datasets.ensure(f"small/sf{sf}/pyarrow") / "small_orders")}


class Run:
    """What one engine did."""

    def __init__(self, engine: engines.Engine, tables: dict[str, str]) -> None:
        self.engine = engine
        self.samples: dict[str, list[dict]] = {}
        self.checks: dict[str, str] = {}
        answer = engine.ask({"tables": tables})
        if "error" in answer:
            raise RuntimeError(f"{engine.name}: {answer['error']}")

    def right(self) -> bool:
        """Whether every answer so far equals the oracle's."""
        return all(check == "equal" for check in self.checks.values())

    def query(self, name: str, text: str, keep: str | None) -> dict:
        """Runs a query once; an engine that failed it before is not asked again."""
        if self.checks.get(name, "").startswith("error"):
            return {}
        before = self.engine.cpu()
        answer = self.engine.ask({"sql": text, "keep": keep})
        if "error" in answer:
            self.checks[name] = "error: " + answer["error"]
            return answer
        self.samples.setdefault(name, []).append({"wall": answer["wall"], "cpu": self.engine.cpu() - before})
        return answer


def asked_queries(wanted: list[str]) -> dict[str, queries.Query]:
    asked = {query.name: query for query in queries.suite("tpch").values()}
    asked |= {name: queries.parse(name, text) for name, text in controls.CONTROLS.items()}
    return {name: query for name, query in asked.items() if not wanted or name in wanted}


def rounds_of(runs: list[Run], asked: dict[str, queries.Query], rounds: int, dataset: str, small: str) -> Iterator[int]:
    """Runs the rounds; yields the number of each as it ends."""
    oracle.database(dataset).execute(f"CREATE OR REPLACE VIEW small_orders AS SELECT * FROM read_parquet('{small}/*.parquet')")
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds):
            for number, (name, query) in enumerate(asked.items()):
                first = (turn + number) % len(runs)
                for run in runs[first:] + runs[:first]:
                    keep = f"{folder}/{run.engine.name}.pickle" if turn == 0 else None
                    answer = run.query(name, query.spark, keep)
                    if keep and "wall" in answer:
                        run.checks[name] = _check(keep, dataset, query)
            yield turn + 1


def _check(kept: str, dataset: str, query: queries.Query) -> str:
    columns, rows = pickle.loads(Path(kept).read_bytes())  # written by our own worker
    found = compare.difference(compare.Answer(tuple(columns), rows), oracle.answer(dataset, query), query.order, query.limit)
    return f"wrong: {found}"[:500] if found else "equal"


def _result(options: argparse.Namespace, runs: list[Run], rounds: int) -> dict:
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine(),
        "commit": _command("git", "-C", str(CHECKOUT), "describe", "--always", "--dirty"),
        "sf": options.sf,
        "writer": options.writer,
        "threads": options.threads,
        "memory": options.memory,
        "rounds": rounds,
        "controls": list(controls.CONTROLS),
        "engines": {
            run.engine.name: {
                "start_seconds": round(run.engine.start_seconds, 3),
                "peak_rss_bytes": run.engine.peak(),
                "checks": run.checks,
                "samples": run.samples,
            }
            for run in runs
        },
    }


def machine() -> dict:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": round(memory / 2**30, 1), "kernel": platform.release()}


def _command(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sf", default="1", choices=["0.1", "1"])
    parser.add_argument("--writer", default="duckdb", choices=["duckdb", "arrowrs"])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default=None, help="budget given to Spurwheel and to Spark's heap, such as 256MiB")
    parser.add_argument("--engines", type=lambda text: text.split(","), default=list(engines.ENGINES))
    parser.add_argument("--queries", type=lambda text: text.split(","), default=[])
    parser.add_argument("--suffix", default="", help="appended to the result's file name")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
