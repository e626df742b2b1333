"""One job, one fault, one verdict."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass, field

from pyspark.errors import PySparkException

from .fault import Fault, NotFired
from .jobs import Job
from .place import Event, Running, Site

#: What a job may take with a fault in it: an answer or an error must be there then.
DEADLINE = 120

#: How often a fault under way is looked at.
WATCH_EVERY = 0.05

RIGHT, ERROR, WRONG, HUNG, UNTYPED, UNFIRED = "right", "typed error", "wrong", "hung", "untyped error", "not fired"

#: Verdicts that no run may have.
BAD = (WRONG, HUNG, UNTYPED)


@dataclass
class Drawn:
    """What is to be done: the part of the undisturbed time after which the fault strikes, and how long it holds."""

    number: int
    kind: str
    job: Job
    at: float
    hold: float
    seed: int


@dataclass
class Outcome:
    """What came of it."""

    drawn: Drawn
    verdict: str
    seconds: float = 0.0
    baseline: float = 0.0
    proof: str = ""
    detail: str = ""
    reasons: list[str] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)
    struck: float = 0.0
    finished: int = 0  # tasks that had finished when the fault struck
    again: int = 0  # tasks that had finished and were launched once more

    def line(self) -> str:
        """One line for people."""
        text = f"#{self.drawn.number} {self.drawn.kind}, {self.drawn.job.name} at {self.drawn.at:.2f}: {self.verdict}"
        text += f", {self.seconds:.1f} s (undisturbed {self.baseline:.1f} s); {self.proof}"
        return f"{text}; {self.detail}" if self.detail else text


def run(site: Site, drawn: Drawn, fault: Fault) -> Outcome:
    """Does one trial. Errors are those of the tests themselves."""
    site.settle()
    baseline = site.baseline(drawn.job)
    out = Outcome(drawn, UNFIRED, baseline=baseline.seconds)
    fault.aim(site, random.Random(drawn.seed))
    with site.work() as folder:
        drawn.job.prepare(site.session, folder)
        before = drawn.job.left(site.session, folder) if drawn.job.left else None
        marks = site.marks()
        running = Running(site.session, drawn.job, folder)
        missed = ""
        try:
            time.sleep(drawn.at * baseline.seconds)
            out.struck = time.time()
            fault.strike(site, running)
            _hold(fault, running, drawn.hold)
        except NotFired as e:
            missed = str(e)
        finally:
            fault.heal(site)
        running.join(DEADLINE)
        out.seconds = running.seconds
        if running.is_alive():
            out.verdict, out.detail = HUNG, f"nothing within {DEADLINE} s"
            return out
        _judge(out, running, baseline.digest)
        if out.verdict in (ERROR, UNTYPED) and drawn.job.left:
            site.settle()
            _judge_rest(site, out, running, {before, baseline.digest})
        time.sleep(0.15)  # event logs are flushed every 0.1 s
        _look(out, fault, missed, site.events(marks), site.log(marks))
    return out


def _hold(fault: Fault, running: Running, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        fault.watch(running)
        time.sleep(WATCH_EVERY)
    fault.watch(running)


def _judge(out: Outcome, running: Running, want: object) -> None:
    if running.error is None:
        out.verdict = RIGHT if running.answer == want else WRONG
        out.detail = "" if out.verdict == RIGHT else f"got {running.answer}, want {want}"
        return
    condition = error_class(running.error)
    out.verdict = ERROR if condition else UNTYPED
    out.detail = f"{condition or type(running.error).__name__}: {str(running.error)[:600]}"


def error_class(e: BaseException) -> str:
    """The condition that a client can act on; empty if there is none, or one that only says that something is wrong."""
    condition = e.getCondition() if isinstance(e, PySparkException) else None
    return "" if condition in (None, "INTERNAL_ERROR") else str(condition)


def _judge_rest(site: Site, out: Outcome, running: Running, allowed: set[object]) -> None:
    """What a failed write has left must be nothing new, or all."""
    assert running.job.left
    try:
        site.renew_session()
        left = running.job.left(site.session, running.folder)
    except PySparkException as e:
        out.detail += f"; what it left cannot be read: {e}"
        return
    if left.rows and left not in allowed and not (running.job.name == "overwrite" and left.rows == 0):
        out.verdict = WRONG
        out.detail += f"; it left {left}"


_TASK = re.compile(r"(?P<job>.*)/(?P<stage>\d+)\.(?P<part>\d+)\.\d+(?:r\d+)? on ")


def _look(out: Outcome, fault: Fault, missed: str, events: list[Event], log: str) -> None:
    """Reads the proof, the reasons of losses, and what was run again."""
    out.reasons = sorted({_reason(e) for e in events if e.kind == "lost"})
    out.misnamed = [r for r in out.reasons if fault.reasons and not any(w in r for w in fault.reasons)]
    out.again = len(rerun(events))
    out.finished = sum(e.kind == "finished" and e.when < out.struck for e in events)
    try:
        if missed:
            raise NotFired(missed)
        failed = [Event("", "", "failed", out.detail)] if out.verdict in (ERROR, UNTYPED) else []
        out.proof = fault.proof([*events, *failed], log)
    except NotFired as e:
        if out.verdict == RIGHT:
            out.verdict = UNFIRED
        out.proof = str(e)


def _reason(e: Event) -> str:
    text = re.sub(r"^worker \S+: ([^;]*);.*", r"\1", e.text)
    return re.sub(r"^\S+ on [^:]*: ", "task: ", text)[:200]


def task_of(e: Event) -> str:
    """The task that an event is about, as job/stage/partition whatever the attempt; empty if it is about none."""
    found = _TASK.match(e.text)
    return "/".join((found["job"], found["stage"], found["part"])) if found else ""


def rerun(events: list[Event]) -> list[str]:
    """Tasks that had finished and were launched again."""
    done: set[str] = set()
    out = []
    for e in events:
        task = task_of(e)
        if e.kind == "finished" and task:
            done.add(task)
        elif e.kind == "launched" and task in done:
            out.append(task)
    return out
