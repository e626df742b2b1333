"""Cuts, one-way cuts, losses and resets between the cluster's processes, by rules of the packet filter.

Packets are told apart by the port they go to and by the control group of the process that opened the connection, so that
one worker can be cut off from others that share its addresses. The rules live in a table of their own, which goes with the
trial, and with the program however it ends but by SIGKILL.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import re
import shutil
import subprocess
import time
from pathlib import Path

from .fault import Fault, Maker, NotFired, must_run
from .place import SCHEDULERS, WORKERS, Event, Running, Site

TABLE = f"spurwheel_faults_{os.getpid()}"
GROUP = f"spurwheel-faults-{os.getpid()}"


def missing() -> str:
    """Why there can be no faults of the network here; empty if there can."""
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which("nft"):
        return "nft is not installed"
    if _groups() is None:
        return "no cgroup v2 hierarchy"
    done = _nft(f"add table inet {TABLE}\ndelete table inet {TABLE}\n")
    return f"nft: {done.stderr.strip()}" if done.returncode else ""


def _groups() -> Path | None:
    for line in Path("/proc/mounts").read_text().splitlines():
        where, kind = line.split()[1:3]
        if kind == "cgroup2" and os.access(where, os.W_OK):
            return Path(where)
    return None


def _nft(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True, timeout=30, check=False)


def clear() -> None:
    """Takes all rules away; there need not be any."""
    if shutil.which("nft"):
        subprocess.run(["nft", "delete", "table", "inet", TABLE], capture_output=True, timeout=30, check=False)


atexit.register(clear)


def install(rules: list[str]) -> None:
    """Puts rules in force, each "out …" or "in …"."""
    chains = "".join(f"add chain inet {TABLE} {c} {{ type filter hook {c}put priority 0; }}\n" for c in ("out", "in"))
    body = "".join(f"add rule inet {TABLE} {rule}\n" for rule in rules)
    done = _nft(f"add table inet {TABLE}\n{chains}{body}")
    if done.returncode:
        clear()
        raise RuntimeError(f"nft refused: {done.stderr}\n{body}")


def struck() -> int:
    """Packets that the rules in force have taken."""
    done = subprocess.run(["nft", "-j", "list", "table", "inet", TABLE], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        return 0
    rules = (item["rule"] for item in json.loads(done.stdout)["nftables"] if "rule" in item)
    return sum(part["counter"]["packets"] for rule in rules for part in rule["expr"] if "counter" in part)


def of(member: str) -> str:
    """The match for packets of connections that a member opened."""
    root = _groups()
    assert root is not None
    base = Path("/sys/fs/cgroup")
    path = (root / GROUP / member).relative_to(base)
    return f'socket cgroupv2 level 2 "{path}"'


def prepare(site: Site) -> None:
    """Puts every process into a group of its own, and lets it open all its connections again from there."""
    root = _groups()
    assert root is not None
    for name, pid in site.cluster.pids.items():
        group = root / GROUP / name
        group.mkdir(parents=True, exist_ok=True)
        (group / "cgroup.procs").write_text(str(pid))
    for worker in WORKERS:  # so that peers come by TCP
        (site.data / worker / "shuffle.sock").unlink(missing_ok=True)
    known = ports(site)
    everything = "{ " + ", ".join(map(str, [*known.inner.values(), *known.raft.values()])) + " }"
    try:
        install([f"out tcp dport {everything} counter reject with tcp reset", f"out tcp sport {everything} counter reject with tcp reset"])
        time.sleep(2)
    finally:
        clear()
    site.settle()


def remove_groups() -> None:
    """After the cluster has ended."""
    root = _groups()
    for group in sorted(root.glob(f"{GROUP}/*") if root else []):
        try:
            group.rmdir()
        except OSError:
            pass
    if root and (root / GROUP).exists():
        try:
            (root / GROUP).rmdir()
        except OSError:
            pass


class Ports:
    """Where members listen."""

    def __init__(self, site: Site) -> None:
        status = site.cluster.status()
        self.inner = {s["name"]: _port(s["inner"]) for s in status["schedulers"]}
        self.raft = {s["name"]: _port(s["raft"]) for s in status["schedulers"]}
        self.shuffle = {w: _listening(site.cluster.pids[w]) for w in WORKERS}
        self.connect = _port(status["connect_address"])


def ports(site: Site) -> Ports:
    """Asks the leader and /proc."""
    return Ports(site)


def _port(address: str) -> int:
    return int(address.rsplit(":", 1)[1])


def _listening(pid: int) -> int:
    """The TCP port that a process listens on."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if found := re.match(r"socket:\[(\d+)\]", os.readlink(fd)):
                inodes.add(found[1])
        except OSError:
            continue
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[3] == "0A" and cells[9] in inodes:
                return int(cells[1].rsplit(":", 1)[1], 16)
    raise RuntimeError(f"process {pid} listens on no TCP port")


class Network(Fault):
    """Rules that are in force for a while."""

    place = "network"
    reasons = ("silent", "cut", "killed", "gone", "restarted")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._rules: list[str] = []
        self._packets = 0

    def aim(self, site: Site, rng: random.Random) -> None:
        self._rules = RULES[self.kind](site, ports(site), rng)

    def strike(self, site: Site, running: Running) -> None:
        must_run(running)
        install(self._rules)

    def watch(self, running: Running) -> None:
        """Notes what the rules have taken while the job runs."""
        if running.is_alive():
            self._packets = struck()

    def heal(self, site: Site) -> None:
        clear()

    def proof(self, events: list[Event], log: str) -> str:
        if not self._packets:
            raise NotFired("no packet met a rule while the job ran")
        return f"{self._packets} packets taken"


def _set(values: object) -> str:
    return "{ " + ", ".join(map(str, values)) + " }"  # type: ignore[call-overload]


def _worker_from_schedulers(site: Site, p: Ports, rng: random.Random) -> list[str]:
    w, inner = rng.choice(WORKERS), _set(p.inner.values())
    return [f"out {of(w)} tcp dport {inner} counter drop", f"in {of(w)} tcp sport {inner} counter drop"]


def _towards_schedulers(site: Site, p: Ports, rng: random.Random) -> list[str]:
    return _worker_from_schedulers(site, p, rng)[:1]


def _towards_worker(site: Site, p: Ports, rng: random.Random) -> list[str]:
    return _worker_from_schedulers(site, p, rng)[1:]


def _worker_from_worker(site: Site, p: Ports, rng: random.Random) -> list[str]:
    a, b = rng.sample(WORKERS, 2)
    return [
        f"{chain} {of(x)} tcp {side} {p.shuffle[y]} counter drop" for x, y in ((a, b), (b, a)) for chain, side in (("out", "dport"), ("in", "sport"))
    ]


def _leader_from_schedulers(site: Site, p: Ports, rng: random.Random) -> list[str]:
    leader = site.cluster.leader()
    others = _set(port for name, port in p.raft.items() if name != leader)
    mine = p.raft[leader]
    rules = []
    for kind in ("tcp", "udp"):
        rules += [f"out {of(leader)} {kind} dport {others} counter drop", f"in {of(leader)} {kind} sport {others} counter drop"]
        rules += [f"out {of(s)} {kind} dport {mine} counter drop" for s in SCHEDULERS if s != leader]
        rules += [f"in {of(s)} {kind} sport {mine} counter drop" for s in SCHEDULERS if s != leader]
    return rules


def _every_port(p: Ports) -> str:
    return _set([*p.inner.values(), *p.raft.values(), *p.shuffle.values(), p.connect])


def _loss(site: Site, p: Ports, rng: random.Random) -> list[str]:
    every = _every_port(p)
    return [f"out tcp {side} {every} numgen random mod 100 < 30 counter drop" for side in ("dport", "sport")]


def _resets(site: Site, p: Ports, rng: random.Random) -> list[str]:
    every = _every_port(p)
    return [f"out tcp {side} {every} numgen random mod 100 < 10 counter reject with tcp reset" for side in ("dport", "sport")]


RULES = {
    "cut worker from schedulers": _worker_from_schedulers,
    "cut worker to schedulers, one way": _towards_schedulers,
    "cut schedulers to worker, one way": _towards_worker,
    "cut worker from worker": _worker_from_worker,
    "cut leader from schedulers": _leader_from_schedulers,
    "30 % loss everywhere": _loss,
    "TCP resets everywhere": _resets,
}


def makers() -> list[Maker]:
    """Every kind of cut."""
    return [lambda k=k: Network(k) for k in RULES]
