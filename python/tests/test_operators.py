"""What operators do to a cluster that works: look, stop a job, drain a worker, change the schedulers, save and restore the
record, replace the builds one process at a time; with certificates and without.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from cluster import Cluster
from conftest import CLUSTER, REMOTE, end_session, new_session
from server import BINARY, Server

pytestmark = pytest.mark.skipif(bool(REMOTE or CLUSTER), reason="starts clusters of its own")

#: Jobs that run while every process is replaced; the proof takes 50.
UPGRADE_JOBS = int(os.environ.get("SPURWHEEL_UPGRADE_JOBS", "6"))

#: How long a change of the cluster may take.
SECONDS = 30

ENDLESS = "select sum(a.id * b.id) as endless from range(30000000) a cross join range(300000) b"

#: A second of work in two stages.
JOB = "select id % 7 as k, count(*) as n, sum(id * 3) as s from range(0, 12000000, 1, 8) group by id % 7 order by k"


def command(*args: object, fails: bool = False, binary: Path | str = BINARY) -> str:
    """What a command prints; on standard error, if it is to fail."""
    done = subprocess.run([str(binary), *map(str, args)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode != 0) == fails, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stderr if fails else done.stdout


def until(what: str, look: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not look():
        assert time.monotonic() < deadline, f"it never came true: {what}"
        time.sleep(0.05)


def table(text: str, first: str) -> list[dict[str, str]]:
    """A printed table as rows, found by its first heading."""
    lines = text.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith(first))
    starts = [(m.group(), m.start()) for m in re.finditer(r"\S+", lines[head])]
    rows = []
    for line in lines[head + 1 :]:
        if line.split(" ", 1)[0].isupper():
            break
        ends = [at for _, at in starts[1:]] + [None]
        rows.append({name: line[at:end].strip() for (name, at), end in zip(starts, ends)})
    return rows


class Asked(Cluster):
    """A cluster with its operator's commands."""

    flags: tuple[str, ...] = ()

    def ask(self, *args: object, fails: bool = False) -> str:
        return command(*args, "--join", self.inner, *self.flags, fails=fails)

    def nodes(self) -> dict[str, dict[str, str]]:
        text = self.ask("nodes")
        rows = table(text, "SCHEDULER") + table(text, "WORKER")
        return {r.get("SCHEDULER") or r["WORKER"]: r for r in rows}

    def job(self, text: str) -> str:
        """The id of the job that runs and is described so."""
        found: list[str] = []

        def look() -> bool:
            found[:] = [r["JOB"] for r in table(self.ask("ps"), "JOB") if r["STATE"] == "running" and text in r["WHAT"]]
            return bool(found)

        until(f"a job {text} runs", look)
        return found[0]


class Query(threading.Thread):
    """A query on its way."""

    def __init__(self, session: SparkSession, query: str) -> None:
        super().__init__(daemon=True)
        self.session, self.query, self.rows, self.error = session, query, None, None
        self.start()

    def run(self) -> None:
        try:
            self.rows = self.session.sql(self.query).collect()
        except BaseException as e:  # noqa: BLE001  the test looks at it
            self.error = e


@pytest.fixture(scope="module")
def cluster() -> Iterator[Asked]:
    with Asked(3, 2, threads=1, memory="3GiB") as c:
        yield c


@pytest.fixture
def session(cluster: Asked) -> Iterator[SparkSession]:
    s = new_session(cluster.url)
    yield s
    end_session(s)


def test_who_is_there(cluster: Asked) -> None:
    first, *_ = cluster.ask("status").splitlines()
    assert re.fullmatch(r"leader scheduler-\d \(127\.0\.0\.1:\d+\), term \d+; 2 workers, \d+ sessions, \d+ jobs", first)
    nodes = cluster.nodes()
    assert sorted(nodes) == ["scheduler-1", "scheduler-2", "scheduler-3", "worker-1", "worker-2"]
    assert sorted(nodes[f"scheduler-{i}"]["ROLE"] for i in (1, 2, 3)) == ["leader", "voter", "voter"]
    version = command("version").split()[1]
    assert all(nodes[w]["STATE"] == "up" and nodes[w]["VERSION"] == version for w in ("worker-1", "worker-2"))


def test_a_job_is_seen_followed_and_killed(cluster: Asked, session: SparkSession) -> None:
    query = Query(session, ENDLESS + " -- token='hunter2'")
    job = cluster.job("endless")
    logs = subprocess.Popen([str(BINARY), "logs", "-f", job, "--join", cluster.inner], stdout=subprocess.PIPE, text=True)
    until("its task runs", lambda: re.search(r"^0 +[1-9] +0 +[1-9]", cluster.ask("job", job), re.M))
    shown = cluster.ask("job", job)
    assert shown.startswith(f"job {job}") and ": running for " in shown and ENDLESS in shown
    assert "hunter2" not in shown + cluster.ask("ps")
    cluster.ask("kill", job)
    query.join(SECONDS)
    assert isinstance(query.error, PySparkException), query.error
    assert f"job {job} was stopped by an operator" in str(query.error)
    events = [line.split(None, 2) for line in logs.communicate(timeout=SECONDS)[0].splitlines()]
    assert [events[0][1], events[1][1], events[-1][1]] == ["submitted", "launched", "ended"], "it follows to the end and ends by itself"
    assert " on worker-" in events[1][2] and "stopped by an operator" in events[-1][2]
    after = cluster.ask("job", job)
    assert ": failed for " in after and "stopped by an operator" in after
    assert [r for r in table(cluster.ask("ps"), "JOB") if r["JOB"] == job][0]["STATE"] == "failed"
    assert session.range(5).filter("id > 1").count() == 3, "the session goes on"
    assert "aggregate, filter, range" in cluster.ask("ps"), "operations of a DataFrame by name"


def test_what_is_not_there(cluster: Asked) -> None:
    for args in (("job", "x"), ("kill", "x"), ("logs", "x"), ("drain", "x"), ("leave", "x")):
        assert re.search(r"^spurwheel: (there is )?no \w+ x", cluster.ask(*args, fails=True)), args
    assert "--join" in command("status", fails=True)


def test_a_drained_worker_leaves(cluster: Asked, session: SparkSession) -> None:
    want = session.sql(JOB).collect()
    starts = cluster.starts["worker-2"]
    queries = [Query(session, JOB) for _ in range(2)]
    cluster.ask("drain", "worker-2")
    for q in queries:
        q.join(SECONDS)
        assert q.rows == want, q.error
    until("it has left", lambda: cluster.nodes()["worker-2"]["STATE"] == "gone")
    assert cluster.nodes()["worker-2"]["REASON"] == "drained"
    until("its process ended", lambda: not Path(f"/proc/{cluster.pids['worker-2']}").exists())
    assert session.sql(JOB).collect() == want, "the other worker goes on"
    assert cluster.starts["worker-2"] == starts, "a drained worker is not started again"


def test_schedulers_come_and_go(cluster: Asked, session: SparkSession, tmp_path: Path) -> None:
    session.range(7).createOrReplaceTempView("seven")
    raft = ",".join(n["RAFT"] for n in cluster.nodes().values() if n.get("RAFT"))
    with Process("scheduler", "--name", "scheduler-4", "--join", raft, "--expect", "0", "--data", tmp_path,
                 "--cluster-key", Path(str(cluster._owned)) / "cluster.key", "--warehouse", Path(str(cluster._owned)) / "warehouse"):
        until("it has a vote", lambda: cluster.nodes().get("scheduler-4", {}).get("ROLE") == "voter")
        follower = next(n for n, row in cluster.nodes().items() if row.get("ROLE") == "voter" and n != "scheduler-4")
        query = Query(session, JOB)
        cluster.ask("leave", follower)
        assert follower not in cluster.nodes()
        query.join(SECONDS)
        assert query.rows, query.error
        assert session.table("seven").count() == 7
    assert session.table("seven").count() == 7


class Process:
    """One role, until its block ends."""

    def __init__(self, *args: object, binary: Path | str = BINARY) -> None:
        self.args, self.lines, self._ready = args, [], threading.Event()
        self._process = subprocess.Popen([str(binary), *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.lines.append(line)
            if line.startswith("ready "):
                self._ready.set()
        self._ready.set()

    def ready(self) -> "Process":
        assert self._ready.wait(SECONDS) and self._process.poll() is None, "".join(self.lines)
        return self

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> "Process":
        return self.ready()

    def __exit__(self, *_: object) -> None:
        self.stop()


def addresses(n: int) -> list[str]:
    """Addresses of this machine that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    out = ["%s:%d" % s.getsockname() for s in sockets]
    for s in sockets:
        s.close()
    return out


class Machines:
    """A cluster put together by hand, as on several machines: each process by its own command."""

    def __init__(self, folder: Path, schedulers: int = 3, workers: int = 2, binary: Path | str = BINARY, flags: tuple[str, ...] = (),
                 warehouse: Path | None = None, connect: str = "", key: bytes = b"") -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.flags, self.warehouse = folder, flags, warehouse or folder / "warehouse"
        self.names = [f"s{i}" for i in range(schedulers)] + [f"w{i}" for i in range(workers)] + ["gateway"]
        found = addresses(2 * schedulers + 1)
        self.inner, self.raft, self.connect = found[:schedulers], found[schedulers:-1], connect or found[-1]
        self.key = folder / "cluster.key"
        self.key.write_bytes(key or os.urandom(32))
        self.running: dict[str, Process] = {}
        for name in self.names:
            self.start(name, binary, ready=False)
        self.settle(workers)

    def start(self, name: str, binary: Path | str = BINARY, ready: bool = True) -> None:
        rest = ["--data", self.folder / name, "--memory", "512MiB", "--threads", "1", *self.flags]
        if name == "gateway":
            args = ["gateway", "--join", ",".join(self.inner), "--connect", self.connect, "--http", "127.0.0.1:0", *rest]
        elif name.startswith("w"):
            args = ["worker", "--name", name, "--join", ",".join(self.inner), "--cluster-key", self.key, *rest]
        else:
            i = int(name[1:])
            args = ["scheduler", "--name", name, "--expect", len(self.inner), "--join", ",".join(self.raft), "--listen", self.inner[i], "--raft", self.raft[i],
                    "--cluster-key", self.key, "--warehouse", self.warehouse, *rest]
        self.running[name] = Process(*args, binary=binary)
        if ready:
            self.running[name].ready()

    def ask(self, *args: object, fails: bool = False) -> str:
        return command(*args, "--join", ",".join(self.inner), *self.flags, fails=fails)

    def workers(self) -> dict[str, str]:
        """Workers that are there, with their versions."""
        return {r["WORKER"]: r["VERSION"] for r in table(self.ask("nodes"), "WORKER") if r["STATE"] == "up"}

    def settle(self, workers: int) -> None:
        for name in self.names:
            self.running[name].ready()
        until("all workers are there", lambda: len(self.workers()) == workers)

    def stop(self) -> None:
        stopping = [threading.Thread(target=p.stop) for p in self.running.values()]
        for t in stopping:
            t.start()
        for t in stopping:
            t.join()
        self.running = {}

    def __enter__(self) -> "Machines":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def test_backup_wipe_restore(tmp_path: Path) -> None:
    """Data of tables is the store's affair, so the warehouse lies beside; the record, with its views and settings, is saved."""
    saved = tmp_path / "saved"
    with Machines(tmp_path / "first", 1, 1, warehouse=tmp_path / "warehouse") as m:
        session = new_session(f"sc://{m.connect}")
        session.sql("create table kept using parquet as select id, id * 2 as d from range(100)")
        session.sql("create temp view few as select * from kept where id < 7")
        session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
        want = session.sql("select sum(d), current_timezone() from few").collect()
        m.ask("backup", saved)
        key = m.key.read_bytes()
    shutil.rmtree(tmp_path / "first")
    with Machines(tmp_path / "second", 1, 1, warehouse=tmp_path / "warehouse", connect=m.connect, key=key) as m:
        assert re.fullmatch(r"restored \d+ sessions and 0 jobs\n", m.ask("restore", saved))
        assert session.sql("select sum(d), current_timezone() from few").collect() == want, "the same client goes on"
        assert session.table("kept").count() == 100
        spoiled = tmp_path / "spoiled"
        raw = bytearray(saved.read_bytes())
        raw[len(raw) // 2] ^= 1
        spoiled.write_bytes(raw)
        assert "spurwheel: " in m.ask("restore", spoiled, fails=True)
        assert session.table("few").count() == 7, "a spoiled file changes nothing"
        end_session(session)


@pytest.fixture(scope="module")
def next_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The next release: another version, and a protocol one further."""
    go = shutil.which("go")
    if not go:
        pytest.skip("no Go toolchain to build the next release with")
    out = tmp_path_factory.mktemp("next") / "spurwheel"
    subprocess.run(
        [go, "build", "-ldflags", "-X main.version=the-next -X main.protocol=2", "-o", str(out), "./cmd/spurwheel"],
        cwd=Path(__file__).parents[2], env={**os.environ, "CGO_ENABLED": "0"}, check=True, timeout=300,
    )
    return out


def test_rolling_upgrade(tmp_path: Path, next_build: Path) -> None:
    with Machines(tmp_path) as m:
        session = new_session(f"sc://{m.connect}")
        want, failed, done, over = session.sql(JOB).collect(), [], [], threading.Event()

        def jobs() -> None:
            while len(done) < UPGRADE_JOBS or not over.is_set():
                try:
                    done.append(session.sql(JOB).collect())
                except BaseException as e:  # noqa: BLE001  the test looks at it
                    failed.append(e)
                    return

        working = threading.Thread(target=jobs, daemon=True)
        working.start()
        for name in m.names:
            if name == "gateway":
                continue
            before = len(done)
            if name.startswith("w"):
                m.ask("drain", name)
                until("it has left", lambda: m.running[name]._process.poll() is not None)
            else:
                m.running[name].stop()
            m.start(name, next_build)
            until(f"{name} is back", lambda: name in m.workers() if name.startswith("w") else f"\n{name} " in m.ask("status"))
            until("jobs go on", lambda: len(done) > before or failed)
        over.set()
        working.join(10 * UPGRADE_JOBS + SECONDS)
        assert not failed and not working.is_alive(), failed
        assert len(done) >= UPGRADE_JOBS and all(rows == want for rows in done)
        assert m.workers() == {"w0": "the-next", "w1": "the-next"}
        print(f"{len(done)} jobs, {len(failed)} failed, while {len(m.names) - 1} processes were replaced")
        end_session(session)


def test_an_open_address_wants_certificates(tmp_path: Path) -> None:
    """Every role, with every address that others would reach: exit status 2, and what to do."""
    join = ("--join", "127.0.0.1:1")
    refused = [
        ("up", "--connect", "0.0.0.0:0"),
        ("up", "--http", "0.0.0.0:0"),
        ("up", "--schedulers", "1", "--connect", "0.0.0.0:0"),
        ("scheduler", "--name", "s", "--listen", "0.0.0.0:0"),
        ("scheduler", "--name", "s", "--raft", "0.0.0.0:0"),
        ("worker", *join, "--listen", "0.0.0.0:0"),
        ("gateway", *join, "--connect", "0.0.0.0:0"),
        ("gateway", *join, "--http", "[::]:0"),
    ]
    for args in refused:
        done = subprocess.run([str(BINARY), *args, "--data", str(tmp_path)], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 2, (args, done)
        assert "is reached from other machines" in done.stderr and "docs/security.md" in done.stderr, (args, done.stderr)


#: An unmodified client, in a process of its own: gRPC reads the authority once.
CLIENT = """
import sys
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
for url in sys.argv[1:]:
    try:
        spark = SparkSession.builder.remote(url).create()
        print(spark.sql("select sum(id), current_user() from range(0, 1000, 1, 4)").collect()[0])
        spark.stop()
    except PySparkException as e:
        print("refused", str(e).replace(chr(10), " "))
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A node's folder, the file of tokens, and one token."""
    folder = tmp_path_factory.mktemp("tls")
    command("tls", "init", "--dir", folder / "ca", "--cluster", "prod")
    command("tls", "issue", "--dir", folder / "ca", "--out", folder / "node", "--role", "scheduler,worker,gateway,client", "--host", "localhost,127.0.0.1")
    return folder / "node", folder / "tokens", command("tls", "token", "ada", "--file", folder / "tokens", "--role", "user").strip()


def test_certificates_and_tokens(certificates: tuple[Path, Path, str]) -> None:
    node, tokens, token = certificates
    with Secured(1, 2, threads=1, memory="2GiB", extra=("--tls", str(node), "--tokens", str(tokens))) as c:
        c.flags = ("--tls", str(node))
        urls = [f"sc://localhost:{c.connect.rsplit(':', 1)[1]}/;use_ssl=true;token={t}" for t in (token, "no-such-token")]
        client = subprocess.run([sys.executable, "-c", CLIENT, *urls], capture_output=True, text=True, timeout=SECONDS, check=False,
                                env={**os.environ, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(node / "ca.crt")})
        good, bad = client.stdout.splitlines()
        assert "499500" in good and "ada" in good, "the user is whose token it is"
        assert bad.startswith("refused") and "UNAUTHENTICATED" in bad, bad
        assert "2 workers" in c.ask("status") and "ada" in c.ask("ps") and "WORKER" in c.ask("nodes")
        command("status", "--join", c.inner, fails=True)
        ports = {int(p) for name, pid in c.pids.items() for p in listening(pid)} - {int(a.rsplit(":", 1)[1]) for a in (c.connect, c.http)}
        plain = {int(m) for line in c.said for m in re.findall(r"^member name=\S+ metrics=\S+:(\d+)", line)}
        inner = sorted(ports - plain)
        assert len(inner) >= 5, "a scheduler's inner, raft, and leader's port, two workers' stores"
        for port in inner:
            assert not admitted(port, node), f"port {port} takes a caller without a certificate"


class Secured(Asked):
    """Remembers all that was printed."""

    def __init__(self, *args: object, **rest: object) -> None:
        self.said: list[str] = []
        super().__init__(*args, **rest)  # type: ignore[arg-type]

    def _heard(self, line: str) -> None:
        self.said.append(line)
        super()._heard(line)


def listening(pid: int) -> Iterator[int]:
    """The TCP ports where a process listens."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if found := re.match(r"socket:\[(\d+)\]", os.readlink(fd)):
                inodes.add(found[1])
        except FileNotFoundError:
            pass
    for file in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{file}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                yield int(fields[1].rsplit(":", 1)[1], 16)


def admitted(port: int, node: Path) -> bool:
    """Whether somebody without a certificate, who trusts the server, is let in: TLS 1.3 says so with the first read."""
    context = ssl.create_default_context(cafile=str(node / "ca.crt"))
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        try:
            with context.wrap_socket(plain) as s:
                s.settimeout(3)
                s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
                return bool(s.recv(1))
        except TimeoutError:
            return True
        except (ssl.SSLError, ConnectionError):
            return False
