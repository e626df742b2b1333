"""Damage to the rows that workers keep on disk. The files have lost their names, so they are reached by the worker's open files."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from .fault import Fault, Maker, NotFired, must_run
from .place import WORKERS, Event, Running, Site

#: A bit of each so many bytes is turned over: a block is larger, so most blocks of a file are hit.
STRIDE = 32 << 10

#: How long to wait for the worker to have such a file.
WAIT_SECONDS = 5


class Damage(Fault):
    """Flipped bits in, or the loss of most of, the spill files that a worker has open."""

    place = "spilling"
    at = (0.0, 0.4)  # what it damages must be read after
    reasons = ("checksum", "disk", "corrupt", "crc", "unexpected EOF", "damaged")
    hold = (0.0, 0.0)

    def __init__(self, how: str, whose: str) -> None:
        self.kind = f"{how} {whose} spill"
        self._how, self._whose = how, whose
        self._hit = 0

    def aim(self, site: Site, rng: random.Random) -> None:
        self._rng = random.Random(rng.random())
        self._order = rng.sample(WORKERS, len(WORKERS))
        files = [f for w in WORKERS for f in _open_files(site.cluster.pids[w], self._whose)]
        self._old = {inode for inode in map(_inode, files) if inode}  # of jobs before

    def strike(self, site: Site, running: Running) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while self._hit == 0:
            must_run(running)
            if time.monotonic() > deadline:
                raise NotFired("no worker had such a spill file")
            for worker in self._order:
                self._hit += sum(self._damage(f) for f in _open_files(site.cluster.pids[worker], self._whose))
                if self._hit:
                    break
            time.sleep(0.01)

    def _damage(self, path: Path) -> int:
        try:
            if _inode(path) in self._old:
                return 0
            with open(path, "r+b", buffering=0) as f:
                size = os.fstat(f.fileno()).st_size
                if size == 0:
                    return 0
                if self._how == "truncated":
                    f.truncate(size // 8)
                    return 1
                for at in range(self._rng.randrange(min(size, STRIDE)), size, STRIDE):
                    f.seek(at)
                    byte = f.read(1)
                    f.seek(at)
                    f.write(bytes([byte[0] ^ 1 << self._rng.randrange(8)]))
                return 1
        except OSError:  # closed meanwhile
            return 0

    def proof(self, events: list[Event], log: str) -> str:
        found = [e.text for e in events if e.kind in ("lost", "failed") and any(w in e.text for w in self.reasons)]
        if not self._hit:
            raise NotFired("no file was damaged")
        if not found:
            raise NotFired(f"{self._hit} files damaged, and nobody read them again")
        return f"{self._hit} files, {len(found)} losses: {found[0][:160]}"


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _open_files(pid: int, whose: str) -> list[Path]:
    """Spill files without a name: of stage outputs, or of operators."""
    want = "/shuffle-" if whose == "shuffle" else "/spill-"
    out = []
    try:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if want in os.readlink(fd):
                    out.append(fd)
            except OSError:
                continue
    except OSError:
        return []
    return out


def makers() -> list[Maker]:
    """Both kinds of damage to both kinds of file."""
    return [lambda h=h, w=w: Damage(h, w) for h in ("flipped", "truncated") for w in ("shuffle", "operator")]
