"""Proof 3: the leader is killed in the middle of a job, again and again; the job and the client go on, nothing finished runs twice.

How long the cluster is without control is measured by a client that asks for the leader's status all the time: from the kill
to the first answer of another leader that has a worker registered.
"""

from __future__ import annotations

import random
import signal
import statistics
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from . import plan, trial
from .jobs import QUERIES
from .place import Site
from .process import Process
from .trial import RIGHT, UNFIRED


@dataclass
class Killed:
    """One death of a leader."""

    outcome: trial.Outcome
    outage: float


class Outage(threading.Thread):
    """Asks for the status until another term's leader answers."""

    def __init__(self, site: Site, term: int) -> None:
        super().__init__(daemon=True)
        self._site, self._term = site, term
        self.seconds = float("nan")
        self._began = time.monotonic()
        self.start()

    def run(self) -> None:
        while time.monotonic() - self._began < trial.DEADLINE:
            try:
                status = self._site.cluster.status()
            except Exception:  # noqa: BLE001  there is no leader
                continue
            if int(status["term"]) > self._term and any(w["state"] == "up" for w in status["workers"]):
                self.seconds = time.monotonic() - self._began
                return


class _Leader(Process):
    """The kill, with a watch on the outage."""

    def __init__(self) -> None:
        super().__init__("leader", signal.SIGKILL)
        self.outage: Outage | None = None

    def aim(self, site: Site, rng: random.Random) -> None:
        super().aim(site, rng)
        self._term = int(site.cluster.status()["term"])

    def strike(self, site: Site, running: object) -> None:
        super().strike(site, running)  # type: ignore[arg-type]
        self.outage = Outage(site, self._term)


def run(rounds: int, seed: int, logs: Path) -> tuple[str, bool]:
    """The report, and whether all is well."""
    rng, found, missed = random.Random(seed), [], 0
    with plan.at("plain") as site:
        number = 0
        while len(found) < rounds and number < 3 * rounds:
            number += 1
            fault = _Leader()
            drawn = trial.Drawn(number, "SIGKILL leader", rng.choice(QUERIES), rng.uniform(0.1, 0.8), 0, rng.randrange(1 << 30))
            out = trial.run(site, drawn, fault)
            if fault.outage:
                fault.outage.join(trial.DEADLINE)
            print(out.line() + (f"; outage {fault.outage.seconds:.2f} s" if fault.outage else "") + f"; {out.finished} tasks had finished, run again {out.again}", flush=True)
            if out.verdict == UNFIRED or not fault.outage:
                missed += 1
                continue
            if out.verdict != RIGHT or out.again:
                plan.keep(site, logs, f"leader-{number}")
            found.append(Killed(out, fault.outage.seconds))
    return _report(found, missed)


def _report(found: list[Killed], missed: int) -> tuple[str, bool]:
    right = sum(k.outcome.verdict == RIGHT for k in found)
    again = sum(k.outcome.again for k in found)
    outages = sorted(k.outage for k in found)
    p99 = outages[min(len(outages) - 1, int(len(outages) * 0.99))]
    extra = [k.outcome.seconds - k.outcome.baseline for k in found]
    text = (
        f"leader killed in mid-job: {right} of {len(found)} right ({missed} more were over too soon); "
        f"outage p50 {statistics.median(outages):.2f} s, p99 {p99:.2f} s, most {outages[-1]:.2f} s (a status command takes part of it); "
        f"{sum(k.outcome.finished for k in found)} tasks had finished at the kills, run again of them: {again}; the job took {statistics.median(extra):+.1f} s at the median, {max(extra):+.1f} s at most"
    )
    return text, right == len(found) and again == 0 and p99 <= 2
