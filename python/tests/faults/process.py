"""Processes that die and processes that stand still."""

from __future__ import annotations

import os
import random
import signal
import time

from .fault import Fault, Maker, NotFired, must_run
from .place import SCHEDULERS, WORKERS, Event, Running, Site, process_state

#: A signal is delivered within this time, or something is wrong with the machine.
TAKES_SECONDS = 5


def _victims(who: str, site: Site, rng: random.Random) -> list[str]:
    if who == "worker":
        return [rng.choice(WORKERS)]
    if who == "two workers":
        return rng.sample(WORKERS, 2)
    if who == "gateway":
        return ["gateway"]
    if who == "all schedulers":
        return list(SCHEDULERS)
    leader = site.cluster.leader()
    return [leader] if who == "leader" else [rng.choice([s for s in SCHEDULERS if s != leader])]


class Process(Fault):
    """A signal to some of the processes."""

    def __init__(self, who: str, what: signal.Signals) -> None:
        self.kind = f"{what.name} {who}"
        self.reasons = ("killed", "restarted", "cut", "gone", "leader") if what == signal.SIGKILL else ("silent", "cut", "restarted", "killed", "gone")
        self.hold = (0.0, 0.0) if what == signal.SIGKILL else (1.0, 8.0)
        self._who, self._what = who, what
        self._names: list[str] = []
        self._pids: list[int] = []
        self._seen: list[str] = []

    def aim(self, site: Site, rng: random.Random) -> None:
        self._names = _victims(self._who, site, rng)

    def strike(self, site: Site, running: Running) -> None:
        must_run(running)
        self._pids = [site.cluster.pids[n] for n in self._names]
        for pid in self._pids:
            os.kill(pid, self._what)
        want = {"Z", None} if self._what == signal.SIGKILL else {"T"}
        for name, pid in zip(self._names, self._pids):
            self._seen.append(f"{name} {_await(pid, want)}")
        must_run(running)

    def heal(self, site: Site) -> None:
        if self._what != signal.SIGSTOP:
            return
        for pid in self._pids:
            if process_state(pid) is not None:
                os.kill(pid, signal.SIGCONT)

    def proof(self, events: list[Event], log: str) -> str:
        if len(self._seen) < len(self._names) or not self._seen:
            raise NotFired("not all processes took the signal while the job ran")
        return ", ".join(self._seen)


def _await(pid: int, want: set[str | None]) -> str:
    deadline = time.monotonic() + TAKES_SECONDS
    while time.monotonic() < deadline:
        state = process_state(pid)
        if state in want:
            return "gone" if state in (None, "Z") else "stopped"
        time.sleep(0.002)
    raise RuntimeError(f"process {pid} took no signal")


def makers() -> list[Maker]:
    """Every role, killed and stopped."""
    who = ("worker", "two workers", "leader", "follower", "all schedulers", "gateway")
    return [lambda w=w, s=s: Process(w, s) for w in who for s in (signal.SIGKILL, signal.SIGSTOP)]
