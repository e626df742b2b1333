"""Twenty jobs of `make test-faults`, of every place that this machine has. Any seed must do: SPURWHEEL_FAULT_SEED."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pyspark.errors.exceptions.connect import SparkConnectGrpcException

from conftest import CLUSTER, REMOTE
from faults import plan, trial
from faults.__main__ import run

pytestmark = [
    pytest.mark.skipif(bool(REMOTE or CLUSTER), reason="starts clusters of its own"),
    pytest.mark.timeout(400),
]

SEED = int(os.environ.get("SPURWHEEL_FAULT_SEED", "7"))

#: Jobs by place; a place that the machine has not is left out, and said so.
JOBS = {"plain": 10, "network": 4, "spilling": 3, "tmpfs": 1, "fuse": 2}

#: Undisturbed runs take time too.
FEW = ("window", "stream", "append", "insert")


@pytest.mark.parametrize("place", JOBS)
def test_right_rows_whatever_breaks(place: str, tmp_path: Path) -> None:
    if reason := plan.skipped().get(place):
        pytest.skip(reason)
    drawn = plan.draw(JOBS[place], SEED, place, FEW)
    outcomes: list[trial.Outcome] = []
    run(drawn, tmp_path, outcomes)
    bad = [o.line() for o in outcomes if o.verdict in trial.BAD]
    assert not bad, "\n".join(bad)
    fired = [o for o in outcomes if o.verdict != trial.UNFIRED]
    assert len(fired) >= len(drawn) * 0.7, "faults that do not strike prove nothing:\n" + "\n".join(o.line() for o in outcomes)


def test_the_seed_decides_what_is_drawn() -> None:
    assert plan.draw(30, 3) == plan.draw(30, 3)
    assert plan.draw(30, 3) != plan.draw(30, 4)


def test_every_kind_is_drawn_equally_often() -> None:
    kinds = [k for k, make in plan.kinds().items() if make().place not in plan.skipped()]
    drawn = [d.kind for d in plan.draw(2 * len(kinds), 5)]
    assert {drawn.count(k) for k in kinds} == {2}


def test_a_changed_lost_or_repeated_row_has_another_digest() -> None:
    import pyarrow

    from faults import digest

    rows = pyarrow.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
    same = digest.of(rows)
    assert digest.of(rows.take([2, 0, 1])) == same
    assert digest.of(rows.take([2, 0, 1]), ordered=True) != digest.of(rows, ordered=True)
    for other in ([0, 1], [0, 1, 2, 2], [0, 1, 1], [0, 0, 0, 1, 2]):
        assert digest.of(rows.take(other)) != same
    assert digest.of(rows.set_column(1, "b", [["x", "", "z"]])) != same


def test_finished_tasks_that_run_again_are_counted() -> None:
    from faults.place import Event

    log = [
        Event("j", "1", "launched", "j/0.1.0 on worker-1"),
        Event("j", "2", "lost", "j/0.1.0 on worker-1: cut"),
        Event("j", "3", "launched", "j/0.1.1 on worker-2"),
        Event("j", "4", "finished", "j/0.1.1 on worker-2"),
        Event("j", "5", "launched", "j/0.2.0 on worker-2"),
    ]
    assert trial.rerun(log) == []
    assert trial.rerun([*log, Event("j", "6", "launched", "j/0.1.2 on worker-1")]) == ["j/0/1"]


class _Ended:
    """A job that is over."""

    def __init__(self, answer: object = None, error: BaseException | None = None) -> None:
        self.answer, self.error = answer, error


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [
        (_Ended(answer="rows"), trial.RIGHT),
        (_Ended(answer="other rows"), trial.WRONG),
        (_Ended(error=ValueError("no error of Spark's")), trial.UNTYPED),
        (_Ended(error=SparkConnectGrpcException("bug", errorClass="INTERNAL_ERROR")), trial.UNTYPED),
        (_Ended(error=SparkConnectGrpcException("no class")), trial.UNTYPED),
        (_Ended(error=SparkConnectGrpcException("lost", errorClass="SPURWHEEL.OUTPUT_LOST")), trial.ERROR),
    ],
)
def test_verdicts(ended: _Ended, verdict: str) -> None:
    out = trial.Outcome(plan.draw(1, 1)[0], trial.UNFIRED)
    trial._judge(out, ended, "rows")  # type: ignore[arg-type]
    assert out.verdict == verdict
    assert (verdict in trial.BAD) == (verdict not in (trial.RIGHT, trial.ERROR))
