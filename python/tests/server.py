"""The Spurwheel process under test: start it, find its doors, end it.

Knows the binary's command line and its ready line, and nothing of Spark.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import deque
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

#: The binary `make build` leaves behind; another one can be named.
BINARY = Path(os.environ.get("SPURWHEEL_BINARY") or CHECKOUT / "build" / "spurwheel")

#: A cold start is milliseconds; this covers a machine that is busy compiling.
READY_SECONDS = 60

#: Between SIGTERM and SIGKILL.
STOP_SECONDS = 15

#: Lines of the server's log kept for the report of a failure.
LOG_LINES = 200

_READY = re.compile(r"\bconnect=(?P<connect>\S+:\d+)(?:.*\bhttp=(?P<http>\S+:\d+))?")


class Server:
    """A running `spurwheel up`, on free ports and, unless told otherwise, an empty data folder.

    Use as a context manager; `url` is what SparkSession.builder.remote takes.
    """

    def __init__(
        self,
        memory: str | None = None,
        threads: int | None = None,
        data: Path | None = None,
        extra: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
    ) -> None:
        if not BINARY.is_file():
            raise FileNotFoundError(f"{BINARY} is missing: run `make build`, or set SPURWHEEL_REMOTE or SPURWHEEL_BINARY")
        self._owned = None if data else tempfile.mkdtemp(prefix="spurwheel-data-")
        command = [str(BINARY), "up", "--connect", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        command += ["--data", str(data or self._owned)]
        command += ["--memory", memory] if memory else []
        command += ["--threads", str(threads)] if threads else []
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._ready = threading.Event()
        self.connect = self.http = ""
        self.process = subprocess.Popen(
            [*command, *extra],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(env or {})},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._await_ready()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(line.rstrip("\n"))
            self._heard(line.rstrip("\n"))
            found = None if self._ready.is_set() else _READY.search(line)
            if found:
                self.connect, self.http = found["connect"], found["http"] or ""
                self._ready.set()
        self._ready.set()

    def _heard(self, line: str) -> None:
        """Each line of output, for those who read more in it."""

    def _await_ready(self) -> None:
        if self._ready.wait(READY_SECONDS) and self.connect:
            return
        self.stop()
        raise RuntimeError("spurwheel did not become ready:\n" + "\n".join(self.log))

    @property
    def url(self) -> str:
        return f"sc://{self.connect}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def high_water_mark(self) -> int:
        """Bytes of VmHWM: the most resident memory the process ever had."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmHWM for the server's process")

    def stop(self) -> int:
        """Ends the server politely, then not; returns its exit status."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self._reader.join(STOP_SECONDS)
        if self._owned:
            shutil.rmtree(self._owned, ignore_errors=True)
        return status

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
