"""How quickly the binary answers from a cold start, and how little memory it needs.

    python bench/rivals/footprint.py [--starts 10] [--budget 256MiB] [--sf 1]

- start: from exec of the binary to the last byte of `select 1` at a bare gRPC client whose channel
  is already trying to connect;
- idle: resident memory after that query, and again after a pause;
- budget: VmHWM after all 22 TPC-H queries under `--memory 256MiB`, answers checked.

Writes `bench/results/footprint.json` and `.md`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(CHECKOUT / "python" / "tests")]

import grpc  # noqa: E402
from pyspark.sql.connect.proto import base_pb2 as pb  # noqa: E402
from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub  # noqa: E402

import engines  # noqa: E402
import tpch  # noqa: E402

MIB = 2**20

#: Long enough for a runtime to give memory back, short enough to wait for.
IDLE_SECONDS = 10


def main() -> int:
    options = _options()
    result = {"machine": tpch.machine(), "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    result["binary_mib"] = round(engines.BINARY.stat().st_size / MIB, 1)
    starts = [_start() for _ in range(options.starts)]
    result["select_1_ms"] = {"min": round(min(starts), 1), "median": round(median(starts), 1), "starts": options.starts}
    result["idle_rss_mib"] = _idle()
    result["budget"] = _budget(options)
    folder = CHECKOUT / "bench" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "footprint.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "footprint.md").write_text(_text(result))
    print(_text(result))
    return 0


def _request() -> pb.ExecutePlanRequest:
    request = pb.ExecutePlanRequest(session_id=str(uuid.uuid4()))
    request.user_context.user_id = "bench"
    request.plan.root.sql.query = "select 1"
    return request


def _start() -> float:
    """Milliseconds from exec to the last byte of `select 1`."""
    port = engines.free_port()
    # Retries every few ms: the client must not be what is measured.
    patient = [("grpc.initial_reconnect_backoff_ms", 5), ("grpc.min_reconnect_backoff_ms", 5), ("grpc.max_reconnect_backoff_ms", 5)]
    with tempfile.TemporaryDirectory(prefix="spurwheel-bench-") as data, grpc.insecure_channel(f"127.0.0.1:{port}", options=patient) as channel:
        stub, request = SparkConnectServiceStub(channel), _request()
        began = time.perf_counter()
        server = _spawn(port, data)
        try:
            rows = sum(r.arrow_batch.row_count for r in stub.ExecutePlan(request, wait_for_ready=True, timeout=60))
            took = 1000 * (time.perf_counter() - began)
        finally:
            _end(server)
    if rows != 1:
        raise RuntimeError(f"select 1 gave {rows} rows")
    return took


def _idle() -> dict:
    port = engines.free_port()
    with tempfile.TemporaryDirectory(prefix="spurwheel-bench-") as data, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        server = _spawn(port, data)
        try:
            list(SparkConnectServiceStub(channel).ExecutePlan(_request(), wait_for_ready=True, timeout=60))
            first = engines.status(server.pid, "VmRSS")
            threading.Event().wait(IDLE_SECONDS)
            return {"after_select_1": round(first / MIB, 1), f"after_{IDLE_SECONDS}_s": round(engines.status(server.pid, "VmRSS") / MIB, 1)}
        finally:
            _end(server)


def _spawn(port: int, data: str) -> subprocess.Popen:
    command = [engines.BINARY, "up", "--connect", f"127.0.0.1:{port}", "--http", "127.0.0.1:0", "--data", data]
    return subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _end(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _budget(options: argparse.Namespace) -> dict:
    """All 22 queries under the budget: what was right, and the high-water mark."""
    asked = {name: query for name, query in tpch.asked_queries([]).items() if name.startswith("q")}
    dataset = f"tpch/sf{options.sf}/duckdb"
    run = tpch.Run(engines.Spurwheel(options.threads, options.budget), tpch.tables(dataset, options.sf))
    try:
        list(tpch.rounds_of([run], asked, 1, dataset, tpch.tables(dataset, options.sf)["small_orders"]))
        wrong = {name: check for name, check in run.checks.items() if check != "equal"}
        return {"memory": options.budget, "sf": options.sf, "equal": len(run.checks) - len(wrong), "wrong": wrong, "vmhwm_mib": round(run.engine.peak() / MIB, 1)}
    finally:
        run.engine.stop()


def _text(result: dict) -> str:
    budget, start, idle = result["budget"], result["select_1_ms"], result["idle_rss_mib"]
    wrong = "".join(f"\n- {name}: {check.splitlines()[0]}" for name, check in budget["wrong"].items())
    return (
        f"# Footprint, {result['when']}\n\n{result['machine']['cpu']}, {result['machine']['cores']} cores\n\n"
        "| what | figure |\n|---|---|\n"
        f"| binary | {result['binary_mib']} MiB |\n"
        f"| exec to last byte of `select 1`, {start['starts']} starts | min {start['min']} ms, median {start['median']} ms |\n"
        f"| resident when idle | {_idle_text(idle)} |\n"
        f"| VmHWM with `--memory {budget['memory']}`, TPC-H SF{budget['sf']}, {budget['equal']} of 22 equal | {budget['vmhwm_mib']} MiB |\n{wrong}\n"
    )


def _idle_text(idle: dict) -> str:
    return ", ".join(f"{value} MiB {when.replace('_', ' ')}" for when, value in idle.items())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--budget", default="256MiB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sf", default="1", choices=["0.1", "1"])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
