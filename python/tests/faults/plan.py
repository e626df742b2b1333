"""What is drawn from the seed: which fault strikes which job, when, for how long; and the places where that can be done."""

from __future__ import annotations

import random
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Iterator

from . import disk, network, place, process, spill
from .fault import Maker
from .jobs import ALL
from .place import Site
from .trial import Drawn

#: Operators write to disk beyond so many bytes where spill files are to be hit.
SPILL = {"SPURWHEEL_TESTING_SPILL_BEYOND": "4MiB"}

#: Memory so small that stage outputs go to disk as well.
SMALL = "448MiB"

#: Jobs that leave much in spill files.
SPILLING = ("aggregate", "sort", "window")

#: Jobs whose stage outputs go to disk: those of the window are read by the next stage, those of the sort by the client.
SHUFFLING = ("window", "window", "sort")

#: Jobs whose workers read from each other, more than a few rows.
EXCHANGING = ("aggregate", "join", "sort", "window", "distinct", "semi-join")


def kinds() -> dict[str, Maker]:
    """Every kind of fault by its name."""
    makers = [*process.makers(), *spill.makers(), *network.makers(), *disk.makers()]
    return {make().kind: make for make in makers}


def skipped() -> dict[str, str]:
    """Places that this machine has not, with the reason."""
    found = {"network": network.missing(), "tmpfs": disk.missing(), "fuse": disk.missing_fuse(), "spilling": "" if place.is_root() else "needs root"}
    return {name: reason for name, reason in found.items() if reason}


def draw(jobs: int, seed: int, only: str = "", few: tuple[str, ...] = ()) -> list[Drawn]:
    """So many trials: every kind of fault equally often, in the order of the places. The same seed draws the same.
    `few` names jobs to choose from where they can be hurt at all: each job that is drawn costs two undisturbed runs."""
    rng, table, absent = random.Random(seed), kinds(), skipped()
    where = {k: make().place for k, make in table.items()}
    names = [k for k, at in where.items() if only in k or only in at]
    names = [k for k in names if where[k] not in absent]
    if not names:
        return []
    chosen: list[str] = []
    while len(chosen) < jobs:
        chosen += rng.sample(names, len(names))
    order = sorted(range(jobs), key=lambda i: where[chosen[i]])
    return [_one(number, chosen[i], table[chosen[i]], rng, few) for number, i in enumerate(order, 1)]


def _jobs(kind: str, where: str) -> tuple[str, ...]:
    """The jobs that such a fault can hurt."""
    if "shuffle spill" in kind:
        return SHUFFLING
    if "worker from worker" in kind:
        return EXCHANGING
    return SPILLING if where in ("spilling", "tmpfs") or kind.startswith("worker's") else tuple(ALL)


def _one(number: int, kind: str, make: Maker, rng: random.Random, few: tuple[str, ...]) -> Drawn:
    fault = make()
    names = _jobs(kind, fault.place)
    names = tuple(n for n in names if n in few) or names
    return Drawn(number, kind, ALL[rng.choice(names)], rng.uniform(*fault.at), rng.uniform(*fault.hold), rng.randrange(1 << 30))


def redraw(drawn: Drawn, turn: int) -> Drawn:
    """The same trial at another moment, after a fault that did not fire."""
    rng = random.Random(f"{drawn.seed} {turn}")
    return Drawn(drawn.number, drawn.kind, drawn.job, rng.uniform(0.0, 0.4), drawn.hold, rng.randrange(1 << 30))


@contextmanager
def at(name: str) -> Iterator[Site]:
    """A fresh cluster at a place, taken down with all that was mounted or put into force."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="spurwheel-faults-"))
        folder.chmod(0o755)
        stack.callback(disk.remove, folder)
        mounts = _mounts(name, folder, stack)
        spills = name in ("spilling", "tmpfs", "fuse")
        site = place.start(folder, memory=SMALL if spills else "2GiB", env=SPILL if spills else None)
        stack.callback(site.close)
        site.mounts = mounts
        if name == "network":
            stack.callback(network.remove_groups)
            stack.callback(site.close)
            network.prepare(site)
        yield site


def _mounts(name: str, folder: Path, stack: ExitStack) -> dict[str, object]:
    if name not in ("tmpfs", "fuse"):
        return {}
    out: dict[str, object] = {}
    (folder / "data").mkdir()
    wanted = [(disk.WORKER, False)] if name == "tmpfs" else [(disk.WORKER, False), (disk.SCHEDULER, True)]
    for member, cached in wanted:
        at = folder / "data" / member
        made = disk.Tmpfs(at) if name == "tmpfs" else disk.FaultFS(at, cached)
        stack.callback(made.close)
        out[member] = made
    return out


def keep(site: Site, into: Path, name: str) -> None:
    """Saves what explains a bad verdict."""
    into.mkdir(parents=True, exist_ok=True)
    shutil.copy(site.folder / "cluster.log", into / f"{name}-cluster.log")
    for member in place.SCHEDULERS:
        if (site.data / member / "history").exists():
            shutil.copytree(site.data / member / "history", into / f"{name}-{member}", dirs_exist_ok=True)
