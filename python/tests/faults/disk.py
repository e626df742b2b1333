"""Disks that are full, that fail, that lie. A full one is a tmpfs with a file that fills it; the others are served by
tools/faultfs, a FUSE file system that fails what it is told to fail."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

from .fault import Fault, Maker, NotFired, must_run
from .place import Event, Running, Site

#: The worker whose data folder is on the disk that fills, or fails; and the scheduler on one that fails.
WORKER, SCHEDULER = "worker-2", "scheduler-1"

TMPFS_SIZE = "96m"

#: The FUSE server; `make build/tools/faultfs` builds it.
FAULTFS = Path(os.environ.get("SPURWHEEL_FAULTFS") or Path(__file__).resolve().parents[3] / "build" / "tools" / "faultfs")


def missing() -> str:
    """Why no file system can be mounted here; empty if one can."""
    return "" if os.geteuid() == 0 else "needs root"


def missing_fuse() -> str:
    """Why there can be no FUSE file system here; empty if there can."""
    if reason := missing():
        return reason
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is absent"
    return "" if FAULTFS.is_file() else f"{FAULTFS} is not built"


class Tmpfs:
    """A small disk in memory below a folder."""

    def __init__(self, at: Path) -> None:
        at.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={TMPFS_SIZE}", "tmpfs", str(at)], check=True, timeout=30)
        self.at = at

    def fill(self) -> None:
        """Leaves no byte free, while others take what is freed."""
        with open(self.at / "filler", "ab", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(1 << 16))
            except OSError as e:
                if e.errno != errno.ENOSPC:
                    raise

    def drain(self) -> None:
        (self.at / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.at)], check=False, timeout=30)


class FaultFS:
    """A folder served by FUSE below another."""

    def __init__(self, at: Path, cached: bool = False) -> None:
        at.mkdir(parents=True)
        back = at.with_name(at.name + ".disk")
        back.mkdir()
        self.at = at
        self._process = subprocess.Popen(
            [str(FAULTFS), "-from", str(back), "-at", str(at), *(["-cached"] if cached else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        if self._line() != "mounted":
            raise RuntimeError(f"{FAULTFS} does not mount {at}")

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def _tell(self, line: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._line()

    def rules(self, text: str) -> None:
        """Puts rules in force in place of those before; none heals."""
        if not (answer := self._tell(text)).startswith("rules"):
            raise RuntimeError(f"faultfs: {answer}")

    def fired(self) -> dict[str, int]:
        """How often each operation was failed, by "operation effect"."""
        words = self._tell("count").split()[1:]
        return {f"{words[i]} {words[i + 1]}": int(words[i + 2]) for i in range(0, len(words), 3)}

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        subprocess.run(["umount", "--lazy", str(self.at)], check=False, timeout=30, capture_output=True)


class Full(Fault):
    """A worker's disk is full for a while."""

    kind = "full disk of a worker"
    place = "tmpfs"
    reasons = ("no space left", "disk", "silent", "gone")
    hold = (1.0, 4.0)

    def __init__(self) -> None:
        self._seen = ""

    def strike(self, site: Site, running: Running) -> None:
        must_run(running)
        self._disk: Tmpfs = site.mounts[WORKER]
        self._disk.fill()
        must_run(running)

    def watch(self, running: Running) -> None:
        """Keeps it full."""
        if running.is_alive():
            self._disk.fill()

    def heal(self, site: Site) -> None:
        site.mounts[WORKER].drain()

    def proof(self, events: list[Event], log: str) -> str:
        found = [e.text for e in events if "no space left" in e.text]
        found += [line for line in log.splitlines() if "no space left" in line]
        if not found:
            raise NotFired("nobody wrote to the full disk")
        return f"{len(found)} messages: {found[0][:160]}"


class Failing(Fault):
    """A disk fails, or lies, for a while."""

    place = "fuse"
    at = (0.0, 0.5)  # what it fails must come after
    reasons = ("disk", "checksum", "input/output error", "no space left", "stale", "corrupt", "silent", "killed", "gone", "restarted")
    hold = (1.0, 4.0)

    def __init__(self, kind: str, member: str, rules: str) -> None:
        self.kind, self._member, self._rules = kind, member, rules
        self._before: dict[str, int] = {}
        self._fired: dict[str, int] = {}

    def strike(self, site: Site, running: Running) -> None:
        must_run(running)
        self._fs: FaultFS = site.mounts[self._member]
        self._before = self._fs.fired()
        self._fs.rules(self._rules)

    def watch(self, running: Running) -> None:
        """Counts what has failed while the job ran."""
        if running.is_alive():
            now = self._fs.fired()
            self._fired = {k: n - self._before.get(k, 0) for k, n in now.items() if n > self._before.get(k, 0)}

    def heal(self, site: Site) -> None:
        for fs in site.mounts.values():
            fs.rules("")

    def proof(self, events: list[Event], log: str) -> str:
        if not self._fired:
            raise NotFired("no call met the rules while the job ran")
        return ", ".join(f"{k} {n} times" for k, n in self._fired.items())


FAILURES = {
    "worker's writes EIO": (WORKER, "write eio 1; create eio 1"),
    "worker's writes ENOSPC": (WORKER, "write enospc 1; create enospc 1"),
    "worker's reads EIO": (WORKER, "read eio 0.5"),
    "worker's reads ESTALE": (WORKER, "read estale 0.5; open estale 0.5"),
    "worker's reads lose bits": (WORKER, "read flip 0.5"),
    "worker's disk is slow": (WORKER, "read delay 0.3 300ms; write delay 0.3 300ms"),
    "scheduler's fsync EIO": (SCHEDULER, "fsync eio 1"),
    "scheduler's writes ENOSPC": (SCHEDULER, "write enospc 1"),
}


def makers() -> list[Maker]:
    """A full disk, and what only FUSE can do."""
    return [Full, *(lambda k=k, f=f: Failing(k, *f) for k, f in FAILURES.items())]


def remove(folder: Path) -> None:
    """Takes a folder away in which something was mounted a moment ago."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
