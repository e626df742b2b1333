"""Proof 4: one of three workers, each with half a core, dies or stands still at half time of a job of a minute.

The job is one of many small tasks, so that what a loss costs is what was lost.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from . import plan
from .jobs import Job, query
from .place import WORKERS, Event, Running, Site, process_state
from .trial import DEADLINE, rerun, task_of

#: Each worker's share of a core.
SHARE = 0.5

PERIOD = 100_000

#: One of the parts of the job; its length is set by how often each row is repeated.
PART = """
select {part} as part, k % 11 as g, count(*) as n, sum(s) as s, max(m) as m
from (select l_partkey % {groups} as k, sum(l_quantity * r.id) as s, max(l_extendedprice) as m
      from lineitem cross join range({repeat}) r group by l_partkey % {groups})
group by k % 11"""

#: So many that at half time about half of the tasks have finished, and those of the dead worker are spread over the others.
PARTS = 24

#: What a minute takes in repeats is found out by a short run of so many.
PROBE = 1


class Quota:
    """A control group for each worker, v1 or v2, whichever the machine has for processors."""

    def __init__(self) -> None:
        v1 = Path("/sys/fs/cgroup/cpu")
        self._v1 = (v1 / "cpu.cfs_quota_us").exists() or v1.is_dir()
        self._root = v1 if self._v1 else Path("/sys/fs/cgroup")
        self._groups: list[Path] = []

    def limit(self, name: str, pid: int) -> None:
        group = self._root / f"spurwheel-{os.getpid()}-{name}"
        group.mkdir(exist_ok=True)
        if group not in self._groups:
            self._groups.append(group)
        if self._v1:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(int(PERIOD * SHARE)))
        else:
            (group / "cpu.max").write_text(f"{int(PERIOD * SHARE)} {PERIOD}")
        (group / "cgroup.procs").write_text(str(pid))

    def close(self) -> None:
        for group in self._groups:
            try:
                group.rmdir()
            except OSError:
                pass


def run(seconds: float, seed: int, logs: Path) -> tuple[str, bool]:
    """The report, and whether all is well."""
    quota = Quota()
    try:
        with plan.at("plain") as site:
            return _prove(site, quota, seconds, random.Random(seed), logs)
    finally:
        quota.close()  # a group goes when its processes have gone


def _prove(site: Site, quota: Quota, seconds: float, rng: random.Random, logs: Path) -> tuple[str, bool]:
    for worker in WORKERS:
        quota.limit(worker, site.cluster.pids[worker])
    job = _sized(site, seconds)
    whole = _undisturbed(site, job)
    lines, good = [f"undisturbed: {whole:.1f} s, {_tasks(site)} tasks of the last job"], True
    for what, allowed, detect in ((signal.SIGKILL, 1.6 * whole, 1.0), (signal.SIGSTOP, 1.6 * whole + 6, 6.0)):
        text, ok = _half(site, job, whole, what, rng.choice(WORKERS), allowed, detect, quota)
        lines.append(text)
        good &= ok
    if not good:
        plan.keep(site, logs, "halftime")
    return "\n".join(lines), good


def _text(repeat: int) -> str:
    return " union all ".join(PART.format(part=i, groups=4000 + i, repeat=repeat) for i in range(PARTS))


def _sized(site: Site, seconds: float) -> Job:
    probe = query("probe", _text(PROBE))
    _undisturbed(site, probe)
    took = _undisturbed(site, probe)
    few = query("few", _text(repeat := max(2, round(5 * PROBE / took))))
    per = _undisturbed(site, few) / repeat  # what a repeat takes without what the parts take by themselves
    return query("halftime", _text(max(1, round(seconds / per))))


def _undisturbed(site: Site, job: Job) -> float:
    running = Running(site.session, job, site.folder)
    running.join()
    if running.error:
        raise running.error
    site.answer = running.answer  # type: ignore[attr-defined]
    return running.seconds


def _tasks(site: Site) -> int:
    newest = max(site.data.glob("*/history/*.log"), key=lambda f: f.stat().st_mtime)
    return newest.read_text().count('"kind":"finished"')


def _half(site: Site, job: Job, whole: float, what: signal.Signals, victim: str, allowed: float, detect: float, quota: Quota) -> tuple[str, bool]:
    site.settle()
    want = site.answer  # type: ignore[attr-defined]
    marks, starts = site.marks(), site.cluster.starts[victim]
    running = Running(site.session, job, site.folder)
    time.sleep(whole / 2)
    if not running.is_alive():
        return f"{what.name}: the job was over at half time", False
    pid, at = site.cluster.pids[victim], time.time()
    os.kill(pid, what)
    if what == signal.SIGKILL:
        site.cluster.await_restart(victim, starts)
        quota.limit(victim, site.cluster.pids[victim])
    running.join(DEADLINE + 4 * whole)
    if what == signal.SIGSTOP and process_state(pid):
        os.kill(pid, signal.SIGCONT)
    time.sleep(0.2)
    if running.is_alive():
        return f"{what.name}: the job hangs", False
    if running.error or running.answer != want:
        return f"{what.name}: {running.error or 'wrong rows'}", False
    events = site.events(marks)
    seen = _detected(events, victim, at)
    lost, again = _lost(events, victim), set(rerun(events))
    ok = running.seconds <= allowed and seen is not None and seen <= detect and again <= lost
    text = (
        f"{what.name} {victim} at half time: right, {running.seconds:.1f} s, {running.seconds / whole:.2f}x (allowed {allowed / whole:.2f}x); "
        f"found out after {f'{seen:.2f}' if seen is not None else '?'} s (allowed {detect:.0f}); "
        f"{len(lost)} finished tasks were lost with it, {len(again & lost)} of them were needed and ran again, {len(again - lost)} others ran again"
    )
    return text, ok


def _detected(events: list[Event], victim: str, at: float) -> float | None:
    for e in events:
        if e.kind == "lost" and e.text.startswith(f"worker {victim}:"):
            return e.when - at
    return None


def _lost(events: list[Event], victim: str) -> set[str]:
    """Finished tasks whose rows were on the victim when it was lost."""
    held: set[str] = set()
    for e in events:
        if e.kind == "finished" and e.text.endswith(f" on {victim}"):
            held.add(task_of(e))
        if e.kind == "lost" and e.text.startswith(f"worker {victim}:"):
            break
    return held
