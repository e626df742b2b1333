"""The command line of the fault tests."""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from . import halftime, leader, network, plan, report, soak, trial
from .trial import BAD, HUNG, UNFIRED, Outcome

#: How often a fault that did not fire is tried at another moment.
TURNS = 4

#: Beyond the deadlines of a job and its undisturbed runs, with time to heal.
STUCK = 900


def main(argv: list[str]) -> int:
    """0 if every verdict is good and enough faults fired."""
    arguments = _parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell started it in the background
    signal.signal(signal.SIGALRM, _stuck)
    if proof := _proof(arguments):
        text, good = proof
        print(text)
        if arguments.report:
            arguments.report.write_text(text + "\n")
        return 0 if good else 1
    drawn = plan.draw(arguments.jobs, arguments.seed, arguments.only)
    absent = plan.skipped()
    for name, reason in absent.items():
        print(f"left out: {name}: {reason}", flush=True)
    if arguments.list:
        for d in drawn:
            print(f"#{d.number} {d.kind}, {d.job.name} at {d.at:.2f}, for {d.hold:.1f} s")
        return 0
    outcomes: list[Outcome] = []
    try:
        run(drawn, arguments.logs, outcomes, STUCK)
    finally:  # also of a run that was broken off
        page = report.markdown(outcomes, f"Faults, {len(drawn)} jobs of seed {arguments.seed}", absent)
        if arguments.report:
            arguments.report.write_text(page)
        print(page.split("\n## How")[0], flush=True)
    return 1 if any(o.verdict in BAD for o in outcomes) or len(outcomes) == 0 else 0


def _stuck(*_: object) -> None:
    raise RuntimeError("the tests themselves are stuck")


def _proof(arguments: argparse.Namespace) -> tuple[str, bool] | None:
    """One of the proofs that are no table of faults, if one is asked for."""
    if arguments.leader:
        return leader.run(arguments.leader, arguments.seed, arguments.logs)
    if arguments.halftime:
        return halftime.run(arguments.halftime, arguments.seed, arguments.logs)
    if arguments.soak:
        return soak.run(arguments.minutes, arguments.seed, arguments.starve, arguments.faults, arguments.logs)
    return None


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--jobs", type=int, default=200, help="jobs whose fault must strike (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn")
    parser.add_argument("--only", default="", help="kinds of fault whose name, or whose place's, contains this")
    parser.add_argument("--report", type=Path, help="where to write the report, in Markdown")
    parser.add_argument("--logs", type=Path, default=Path("build/faults"), help="folder for logs of bad verdicts")
    parser.add_argument("--leader", type=int, metavar="TIMES", help="kill the leader so often in mid-job, and measure the outage")
    parser.add_argument("--halftime", type=float, nargs="?", const=60, metavar="SECONDS", help="one worker of three dies at half time of so long a job")
    parser.add_argument("--soak", action="store_true", help="jobs without a pause: memory, goroutines, false deaths")
    parser.add_argument("--minutes", type=float, default=60, help="of the soak (default 60)")
    parser.add_argument("--starve", action="store_true", help="in the soak, two programs that take all the processor they get")
    parser.add_argument("--faults", action="store_true", help="in the soak, processes die and stand still")
    parser.add_argument("--list", action="store_true", help="print what is drawn, do nothing")
    return parser.parse_args(argv)


def run(drawn: list[trial.Drawn], logs: Path, outcomes: list[Outcome], stuck: int = 0) -> None:
    """All trials, place by place, into outcomes. A place where a job hung is made anew. A trial that takes longer than
    `stuck` seconds, where jobs have deadlines, ends the run."""
    table = plan.kinds()
    for where, group in itertools.groupby(drawn, key=lambda d: table[d.kind]().place):
        left = list(group)
        while left:
            began = time.monotonic()
            with plan.at(where) as site:
                print(f"at {where}: {len(left)} jobs; the cluster took {time.monotonic() - began:.1f} s", flush=True)
                while left:
                    if stuck:
                        signal.alarm(stuck)
                    try:
                        found = one(site, left.pop(0), logs)
                    except BaseException:
                        plan.keep(site, logs, "broken")
                        raise
                    finally:
                        if stuck:  # else the alarm is of whoever calls
                            signal.alarm(0)
                    outcomes += found
                    if found[-1].verdict == HUNG:
                        break


def one(site: plan.Site, drawn: trial.Drawn, logs: Path) -> list[Outcome]:
    """A trial, and again at other moments while its fault does not fire."""
    table, found = plan.kinds(), []
    for turn in range(TURNS):
        this = drawn if turn == 0 else plan.redraw(drawn, turn)
        out = trial.run(site, this, table[this.kind]())
        print(out.line(), flush=True)
        found.append(out)
        if out.verdict in BAD:
            plan.keep(site, logs, f"{this.number}-{turn}")
        if out.verdict != UNFIRED:
            break
    return found


def leave(status: int) -> None:
    """Ends the program at once: PySpark's threads would go on asking a server that is gone, for ten minutes."""
    network.clear()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1
    except BaseException:  # noqa: BLE001  also Ctrl-C: everything was taken down on the way here
        traceback.print_exc()
        status = 2
    leave(status)
