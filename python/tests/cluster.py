"""A Spurwheel cluster of real processes on this machine, and the hands to hurt it.

Knows the lines that `spurwheel up --schedulers` prints and the `spurwheel status` command, and nothing of Spark.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from server import BINARY, Server

_PROCESS = re.compile(r"^process name=(?P<name>\S+) pid=(?P<pid>\d+)$")
_SCHEDULERS = re.compile(r"\bschedulers=(?P<list>\S+)")

#: How long the cluster may take to have a leader with all its workers.
SETTLE_SECONDS = 30


class Cluster(Server):
    """`spurwheel up --schedulers S --workers W`: every role a process of its own, started again when it dies."""

    def __init__(self, schedulers: int = 3, workers: int = 3, extra: tuple[str, ...] = (), **rest: object) -> None:
        self.pids: dict[str, int] = {}
        self.starts: dict[str, int] = {}
        self.inner = ""
        self.workers = workers
        super().__init__(extra=("--schedulers", str(schedulers), "--workers", str(workers), *extra), **rest)  # type: ignore[arg-type]

    def _heard(self, line: str) -> None:
        if found := _PROCESS.match(line):
            self.pids[found["name"]] = int(found["pid"])
            self.starts[found["name"]] = self.starts.get(found["name"], 0) + 1
        elif found := _SCHEDULERS.search(line):
            self.inner = self.inner or found["list"]

    def status(self) -> dict:
        """What the leader says of schedulers, workers and jobs."""
        done = subprocess.run(
            [str(BINARY), "status", "--join", self.inner, "--json"], capture_output=True, text=True, timeout=30, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"spurwheel status: {done.stderr}")
        return json.loads(done.stdout)

    def leader(self) -> str:
        """The name of the scheduler that leads, once there is one."""
        return self._until(lambda s: s["leader"] or None)

    def settle(self) -> None:
        """Waits for a leader that has all workers."""
        self._until(lambda s: len(s["workers"]) >= self.workers or None)

    def _until(self, look):  # type: ignore[no-untyped-def]
        deadline, last = time.monotonic() + SETTLE_SECONDS, None
        while time.monotonic() < deadline:
            try:
                if found := look(self.status()):
                    return found
            except (RuntimeError, subprocess.TimeoutExpired) as e:
                last = e
            time.sleep(0.05)
        raise RuntimeError(f"the cluster did not settle: {last}\n" + "\n".join(self.log))

    def signal(self, name: str, what: signal.Signals) -> None:
        """Signals one process; it must be there to take it."""
        os.kill(self.pids[name], what)

    def kill(self, name: str) -> None:
        """SIGKILL, and proof that the process is gone."""
        pid = self.pids[name]
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            state = _state(pid)
            if state is None or state == "Z":
                return
            time.sleep(0.005)
        raise RuntimeError(f"{name} survived SIGKILL")

    def await_restart(self, name: str, starts: int) -> None:
        """Waits until a process was started again."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.starts[name] <= starts:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} was not started again\n" + "\n".join(self.log))
            time.sleep(0.02)


def _state(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return None
