"""Proof 7: jobs without a pause for an hour. Memory and goroutines stay as they are; nobody is taken for dead.

By default both cores are kept busy beside the jobs, so that leases are tested as well; with --faults a fault strikes every
few jobs, and deaths are then of course no false ones.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from . import plan, trial
from .jobs import ALL
from .place import Running, Site
from .process import makers

#: Memory is compared with what it was after this part of the time: caches and pools have their size then.
WARM = 0.25

#: What counts as growth: noise of the collector's own is below it.
FLOOR = 8 << 20


def run(minutes: float, seed: int, starve: bool, faults: bool, logs: Path) -> tuple[str, bool]:
    """The report, and whether all is well."""
    rng, lines, samples, outcomes = random.Random(seed), [], [], []
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)] if starve else []
    try:
        with plan.at("plain") as site:
            for job in ALL.values():
                site.baseline(job)
            marks = site.marks()
            began = time.monotonic()
            while time.monotonic() < began + 60 * minutes:
                outcomes.append(_job(site, rng, len(outcomes), faults))
                samples.append((time.monotonic() - began, _sizes(site)))
                if outcomes[-1] not in ("right", "typed error", "not fired"):
                    plan.keep(site, logs, f"soak-{len(outcomes)}")
            log = site.log(marks)
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    counts = {v: outcomes.count(v) for v in sorted(set(outcomes))}
    lines.append(f"{len(outcomes)} jobs in {minutes:g} minutes: " + ", ".join(f"{n} {v}" for v, n in counts.items()))
    growth, grew = _growth(samples)
    deaths = log.count('"msg":"worker lost"')
    elections = log.count('"msg":"leading"')
    lines += growth + [f"workers taken for dead: {deaths}; changes of leader: {elections}"]
    good = not grew and set(counts) <= {"right", "typed error", "not fired"} and (faults or deaths == 0)
    return "\n".join(lines), good


def _job(site: Site, rng: random.Random, number: int, faults: bool) -> str:
    job = rng.choice(list(ALL.values()))
    if faults and rng.random() < 0.5:
        fault = rng.choice(makers())()
        drawn = trial.Drawn(number, fault.kind, job, rng.uniform(0.05, 0.8), rng.uniform(*fault.hold), rng.randrange(1 << 30))
        out = trial.run(site, drawn, fault)
        print(out.line(), flush=True)
        return out.verdict
    want = site.baseline(job).digest
    with site.work() as folder:
        job.prepare(site.session, folder)
        running = Running(site.session, job, folder)
        running.join(trial.DEADLINE)
        if running.is_alive():
            return trial.HUNG
        if running.error:
            print(f"{job.name}: {running.error}", flush=True)
            return trial.ERROR if trial.error_class(running.error) else trial.UNTYPED
        return trial.RIGHT if running.answer == want else trial.WRONG


def _sizes(site: Site) -> dict[str, int]:
    """Resident memory of each process, and its goroutines."""
    out = {}
    for name, pid in site.cluster.pids.items():
        try:
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    out[name] = int(line.split()[1]) << 10
        except OSError:
            continue
    for name, at in site.cluster.metrics.items():
        try:
            with urllib.request.urlopen(f"http://{at}/metrics", timeout=5) as answer:
                for line in answer.read().decode().splitlines():
                    if line.startswith("go_goroutines "):
                        out[f"goroutines {name}"] = int(float(line.split()[1]))
        except OSError:
            continue
    return out


def _growth(samples: list[tuple[float, dict[str, int]]]) -> tuple[list[str], bool]:
    """From the first samples after the warm part to the last, each the least of its tenth."""
    warm = samples[int(len(samples) * WARM) :]
    tenth = max(1, len(warm) // 10)
    lines, grew = [], False
    for name in sorted(warm[-1][1] if warm else {}):
        first = min(s[1].get(name, 0) for s in warm[:tenth])
        last = min(s[1].get(name, 0) for s in warm[-tenth:])
        if not first:
            continue
        if "goroutines" in name:
            lines.append(f"{name}: {first} to {last}")
            grew |= last > first + 5
            continue
        lines.append(f"{name}: {first >> 20} to {last >> 20} MiB ({100 * (last - first) / first:+.1f} %)")
        grew |= last > first * 1.01 and last - first > FLOOR
    return lines, grew
