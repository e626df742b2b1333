"""Where trials take place: a cluster with its folders, its logs, one client session, and how long each job takes undisturbed."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Iterator

from pyspark.sql import SparkSession

import datasets
from cluster import Cluster

from .digest import Digest
from .jobs import DATASET, Job

#: Names of the members of every cluster here.
SCHEDULERS = ("scheduler-1", "scheduler-2", "scheduler-3")
WORKERS = ("worker-1", "worker-2", "worker-3")

#: After a fault is healed, until all members are there again.
HEAL_SECONDS = 60

_METRICS = re.compile(r"^member name=(?P<name>\S+) metrics=(?P<at>\S+:\d+)$")

#: Keeps sessions from being collected: see conftest.py.
_kept: list[SparkSession] = []


class LoggedCluster(Cluster):
    """A cluster whose every line of output is kept in a file."""

    def __init__(self, path: Path, **rest: object) -> None:
        self._file = path.open("a", buffering=1)
        self.metrics: dict[str, str] = {}  # where each process shows them
        super().__init__(**rest)  # type: ignore[arg-type]

    def _heard(self, line: str) -> None:
        self._file.write(line + "\n")
        if found := _METRICS.match(line):
            self.metrics[found["name"]] = found["at"]
        super()._heard(line)


@dataclass(frozen=True)
class Event:
    """A line of a job's event log."""

    job: str
    at: str
    kind: str
    text: str

    @property
    def when(self) -> float:
        """Seconds since 1970; the log has nanoseconds, Python's clock has not."""
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", self.at)).timestamp()


@dataclass
class Baseline:
    """A job undisturbed."""

    digest: Digest
    seconds: float


@dataclass
class Site:
    """A cluster to hurt. `folder` holds data/<member>, files that jobs write, and the cluster's log."""

    folder: Path
    cluster: LoggedCluster
    session: SparkSession
    baselines: dict[str, Baseline] = field(default_factory=dict)
    mounts: dict[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def renew_session(self) -> None:
        """A session of its own, after one that may have been lost."""
        end(self.session)
        self.session = connect(self.cluster)

    def settle(self) -> None:
        """Waits until there is a leader with all workers, and all schedulers live."""
        deadline, last = time.monotonic() + HEAL_SECONDS, ""
        while time.monotonic() < deadline:
            try:
                status = self.cluster.status()
                up = [w["name"] for w in status["workers"] if w["state"] == "up"]
                alive = all(Path(f"/proc/{self.cluster.pids[n]}").exists() for n in (*SCHEDULERS, "gateway"))
                if len(up) == len(WORKERS) and status["leader"] and alive:
                    return
                last = f"leader {status['leader']}, workers up {up}"
            except Exception as e:  # noqa: BLE001  it is not there yet
                last = str(e)
            time.sleep(0.1)
        raise RuntimeError(f"the cluster did not heal within {HEAL_SECONDS} s: {last}")

    def marks(self) -> dict[Path, int]:
        """Where the event logs and the cluster's log end now."""
        files = [*self.data.glob("*/history/*.log"), self.folder / "cluster.log"]
        return {f: f.stat().st_size for f in files if f.exists()}

    def events(self, since: dict[Path, int]) -> list[Event]:
        """What the event logs of all leaders say since the marks, in their order of time."""
        found = []
        for path in self.data.glob("*/history/*.log"):
            with path.open("rb") as f:
                f.seek(since.get(path, 0))
                for line in f.read().decode(errors="replace").splitlines():
                    try:
                        e = json.loads(line)
                    except json.JSONDecodeError:  # cut off by the leader's death
                        continue
                    found.append(Event(path.stem, e["at"], e["kind"], e["text"]))
        return sorted(found, key=lambda e: e.at)

    def log(self, since: dict[Path, int]) -> str:
        """What the processes logged since the marks."""
        path = self.folder / "cluster.log"
        with path.open("rb") as f:
            f.seek(since.get(path, 0))
            return f.read().decode(errors="replace")

    def baseline(self, job: Job) -> Baseline:
        """The job undisturbed, twice: the digests must agree, the second's time counts."""
        if job.name not in self.baselines:
            first, _ = self._undisturbed(job)
            second, seconds = self._undisturbed(job)
            if first != second:
                raise RuntimeError(f"{job.name} gives {first}, then {second}, with nothing disturbed")
            self.baselines[job.name] = Baseline(first, seconds)
        return self.baselines[job.name]

    def _undisturbed(self, job: Job) -> tuple[Digest, float]:
        with self.work() as folder:
            job.prepare(self.session, folder)
            start = time.monotonic()
            return job.run(self.session, folder), time.monotonic() - start

    @contextmanager
    def work(self) -> Iterator[Path]:
        """An empty folder for one job, which goes with the context."""
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Ends the cluster."""
        end(self.session)
        self.cluster.stop()


def connect(cluster: Cluster) -> SparkSession:
    """A session with the tables of the jobs as views."""
    session = SparkSession.builder.remote(cluster.url).create()
    _kept.append(session)
    for table, file in datasets.tables(DATASET).items():
        session.read.parquet(str(file)).createOrReplaceTempView(table)
    return session


def end(session: SparkSession) -> None:
    """Closes the client's side only: a server that is gone would be asked again for ten minutes, also by functions that take
    the first session that they find for the active one."""
    session.release_session_on_close = False
    session.stop()


def start(folder: Path, memory: str = "2GiB", threads: int = 1, env: dict[str, str] | None = None) -> Site:
    """A cluster of three schedulers, three workers and a gateway in a folder that may have been prepared."""
    cluster = LoggedCluster(
        folder / "cluster.log", schedulers=len(SCHEDULERS), workers=len(WORKERS), memory=memory, threads=threads, data=folder / "data",
        env={"SPURWHEEL_LOG_FORMAT": "json", **(env or {})},
    )
    try:
        cluster.settle()
        return Site(folder, cluster, connect(cluster))
    except BaseException:
        cluster.stop()
        raise


def process_state(pid: int) -> str | None:
    """The letter of /proc, or None if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


class Running(threading.Thread):
    """A job on its way, in a thread of its own."""

    def __init__(self, session: SparkSession, job: Job, folder: Path) -> None:
        super().__init__(daemon=True)
        self.job, self.folder, self._session = job, folder, session
        self.answer: Digest | None = None
        self.error: BaseException | None = None
        self.seconds = 0.0
        self.start()

    def run(self) -> None:
        began = time.monotonic()
        try:
            self.answer = self.job.run(self._session, self.folder)
        except BaseException as e:  # noqa: BLE001  the trial looks at it
            self.error = e
        self.seconds = time.monotonic() - began


def is_root() -> bool:
    """Mounts, packet filters and other processes' files are root's."""
    return os.geteuid() == 0
