"""The engines of a comparison: how each is started, asked, weighed and ended.

An engine is a worker process (its Python door) and, except for DuckDB, a server. CPU and memory
are those of the process that computes. Knows nothing of what is asked.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
RIVALS = CHECKOUT / "build" / "rivals"
BINARY = Path(os.environ.get("SPURWHEEL_BINARY") or CHECKOUT / "build" / "spurwheel")

#: A JVM on a busy machine needs most of this; the others a fraction of a second.
START_SECONDS = 180

_TICK = os.sysconf("SC_CLK_TCK")


def rivals_python() -> Path:
    """The interpreter that has the rivals; made on first use."""
    python = RIVALS / "bin" / "python"
    stamp, wanted = RIVALS / ".requirements", (HERE / "requirements.txt").read_text()
    if not stamp.is_file() or stamp.read_text() != wanted:
        subprocess.run(["python3", "-m", "venv", str(RIVALS)], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    return python


class Engine:
    """One engine, started. `ask` sends the worker a request and returns its answer."""

    name = ""

    def __init__(self, threads: int, memory: str | None) -> None:
        self.server: subprocess.Popen | None = None
        self.started = time.perf_counter()
        self._log = tempfile.TemporaryFile()
        kind, argument = self.start(threads, memory)
        self.start_seconds = time.perf_counter() - self.started
        self.worker = subprocess.Popen(
            [rivals_python(), str(HERE / "worker.py"), kind, argument], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        if "ready" not in self._answer():
            raise RuntimeError(f"{self.name}: the worker did not start: {self.log()}")

    def start(self, threads: int, memory: str | None) -> tuple[str, str]:
        """Starts the server, if there is one; returns the worker's arguments."""
        raise NotImplementedError

    def spawn(self, command: list[Any], env: dict[str, str] | None = None, cwd: str | None = None) -> subprocess.Popen:
        return subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, env={**os.environ, **(env or {})}, cwd=cwd
        )

    def await_port(self, port: int) -> None:
        """Returns when the server's port answers."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and (self.server is None or self.server.poll() is None):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{self.name}: no server on port {port}: {self.log()}")

    def ask(self, request: dict) -> dict:
        assert self.worker.stdin is not None
        self.worker.stdin.write(json.dumps(request) + "\n")
        self.worker.stdin.flush()
        return self._answer()

    def _answer(self) -> dict:
        assert self.worker.stdout is not None
        line = self.worker.stdout.readline()
        return json.loads(line) if line else {"error": f"the worker ended: {self.log()}"}

    def pid(self) -> int:
        """The process that computes."""
        return (self.server or self.worker).pid

    def cpu(self) -> float:
        """CPU seconds so far of the process that computes and what it started."""
        return sum(_cpu(pid) for pid in _tree(self.pid()))

    def peak(self) -> int:
        """VmHWM in bytes of the process that computes and what it started."""
        return sum(status(pid, "VmHWM") for pid in _tree(self.pid()))

    def resident(self) -> int:
        return sum(status(pid, "VmRSS") for pid in _tree(self.pid()))

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:].decode(errors="replace")

    def stop(self) -> None:
        for process in (getattr(self, "worker", None), self.server):
            if process and process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


class Spurwheel(Engine):
    name = "spurwheel"

    def start(self, threads: int, memory: str | None) -> tuple[str, str]:
        port = free_port()
        self._data = tempfile.TemporaryDirectory(prefix="spurwheel-bench-")
        command = [BINARY, "up", "--connect", f"127.0.0.1:{port}", "--http", "127.0.0.1:0", "--data", self._data.name, "--threads", threads]
        self.server = self.spawn(command + (["--memory", memory] if memory else []))
        self.await_port(port)
        return "connect", f"sc://127.0.0.1:{port}"


class DuckDB(Engine):
    name = "duckdb"

    def start(self, threads: int, memory: str | None) -> tuple[str, str]:
        return "duckdb", str(threads)


class Sail(Engine):
    name = "sail"

    def start(self, threads: int, memory: str | None) -> tuple[str, str]:
        port = free_port()
        self.server = self.spawn([rivals_python().parent / "sail", "spark", "server", "--port", port], {"RUST_LOG": "error"})
        self.await_port(port)
        return "connect", f"sc://127.0.0.1:{port}"


class Spark(Engine):
    name = "spark"

    def start(self, threads: int, memory: str | None) -> tuple[str, str]:
        port = free_port()
        python = rivals_python()
        home = next(python.parents[1].glob("lib/python*/site-packages/pyspark"))
        self._folder = tempfile.TemporaryDirectory(prefix="spark-bench-")
        conf = {
            "spark.connect.grpc.binding.port": port,
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": threads,
            "spark.sql.warehouse.dir": self._folder.name,
        }
        command = [home / "bin" / "spark-submit", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        command += ["--master", f"local[{threads}]", "--driver-memory", memory or "6g"]
        command += [part for key, value in conf.items() for part in ("--conf", f"{key}={value}")]
        self.server = self.spawn([*command, "spark-internal"], {"SPARK_HOME": str(home), "PYSPARK_PYTHON": str(python)}, self._folder.name)
        self.await_port(port)
        return "connect", f"sc://127.0.0.1:{port}"


ENGINES: dict[str, type[Engine]] = {engine.name: engine for engine in (Spurwheel, DuckDB, Sail, Spark)}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _tree(pid: int) -> list[int]:
    """A process and its descendants that are still there."""
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                todo += map(int, file.read_text().split())
            except OSError:
                pass
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def status(pid: int, key: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key + ":")), 0)
