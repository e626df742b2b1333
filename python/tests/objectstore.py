"""An S3 server under test: start it over an empty folder, look at what lies in it, end it; and a
proxy in front of it that counts requests and lets chosen ones fail.

Knows versitygw's and MinIO's command lines, and nothing of Spark or of Spurwheel.
"""

from __future__ import annotations

import http.client
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pyarrow import fs

CHECKOUT = Path(__file__).resolve().parents[2]

#: What `make test` leaves behind; `make test-minio` names MinIO.
PROGRAM = Path(os.environ.get("SPURWHEEL_TEST_S3_SERVER") or CHECKOUT / "build" / "tools" / "versitygw")

#: A cold start is under a second; this covers a machine that is busy compiling.
READY_SECONDS = 60


class ObjectStore:
    """A running server with one bucket and random keys. Use as a context manager."""

    bucket = "spurwheel-test"

    def __init__(self) -> None:
        if not PROGRAM.is_file():
            raise FileNotFoundError(f"{PROGRAM} is missing: run `make build/tools/.versitygw`")
        self.access, self.secret = secrets.token_hex(10), secrets.token_hex(20)
        self.folder = Path(tempfile.mkdtemp(prefix="spurwheel-s3-"))
        (self.folder / self.bucket).mkdir()  # both servers take folders for buckets
        self.address = f"127.0.0.1:{_free_port()}"
        self.process = subprocess.Popen(
            self._command(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={
                **os.environ,
                "ROOT_ACCESS_KEY": self.access,
                "ROOT_SECRET_KEY": self.secret,
                "MINIO_ROOT_USER": self.access,
                "MINIO_ROOT_PASSWORD": self.secret,
                "MINIO_BROWSER": "off",
            },
        )
        self.fs = fs.S3FileSystem(
            access_key=self.access,
            secret_key=self.secret,
            endpoint_override=self.address,
            scheme="http",
            region="us-east-1",
            allow_delayed_open=True,  # a small object is one request
        )
        self._await_ready()

    def _command(self) -> list[str]:
        if PROGRAM.name == "minio":
            return [str(PROGRAM), "server", "--quiet", "--address", self.address, str(self.folder)]
        return [str(PROGRAM), "--quiet", "--port", self.address, "posix", str(self.folder)]

    def _await_ready(self) -> None:
        """Asks until the server answers: it says nothing when it is ready."""
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.fs.get_file_info(self.bucket).type == fs.FileType.Directory:
                    return
            except OSError:
                pass
        self.stop()
        raise RuntimeError(f"{PROGRAM.name} did not become ready")

    @property
    def endpoint(self) -> str:
        return f"http://{self.address}"

    def settings(self, **other: str) -> dict[str, str]:
        """The fs.s3a settings that reach it, by Hadoop's names."""
        return {"fs.s3a.endpoint": self.endpoint, "fs.s3a.access.key": self.access, "fs.s3a.secret.key": self.secret, **other}

    def put(self, path: Path, key: str) -> None:
        fs.copy_files(str(path), f"{self.bucket}/{key}", source_filesystem=fs.LocalFileSystem(), destination_filesystem=self.fs)

    def write(self, key: str, content: bytes) -> None:
        with self.fs.open_output_stream(f"{self.bucket}/{key}") as out:
            out.write(content)

    def keys(self, folder: str) -> list[str]:
        """The objects below a folder, by their keys inside it."""
        infos = self.fs.get_file_info(fs.FileSelector(f"{self.bucket}/{folder}", allow_not_found=True, recursive=True))
        return sorted(i.path.removeprefix(f"{self.bucket}/{folder}/") for i in infos if i.type == fs.FileType.File)

    def uploads(self) -> list[str]:
        """The folders, one an upload, that the server keeps while it is not complete."""
        inside = {"minio": ".minio.sys/multipart"}.get(PROGRAM.name, f"{self.bucket}/.sgwtmp/multipart")
        return [path.name for path in (self.folder / inside).glob("*/*") if path.is_dir()]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "ObjectStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Meter:
    """A proxy in front of a store. `requests` counts by method and kind; `fail(n)` lets the n-th
    request from now, and only it, be refused."""

    def __init__(self, store: ObjectStore) -> None:
        self.requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._left: int | None = None
        self.failed = ""
        meter = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = lambda self: meter._serve(self, store)
            log_message = lambda *_: None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._local = threading.local()

    @property
    def endpoint(self) -> str:
        return "http://127.0.0.1:%d" % self._server.server_address[1]

    def fail(self, n: int | None) -> None:
        with self._lock:
            self._left, self.failed = n, ""

    def take(self) -> Counter[str]:
        """The counts since the last call."""
        with self._lock:
            out, self.requests = self.requests, Counter()
        return out

    def _refuses(self, request: str) -> bool:
        with self._lock:
            self.requests[request] += 1
            if self._left is None:
                return False
            self._left -= 1
            if self._left == -1:
                self.failed = request
            return self._left == -1

    def _serve(self, handler: BaseHTTPRequestHandler, store: ObjectStore) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if self._refuses(_kind(handler.command, handler.path)):
            _answer(handler, 403, {}, b"<Error><Code>AccessDenied</Code><Message>refused by the test</Message></Error>")
            return
        backend = getattr(self._local, "connection", None)
        if backend is None:
            backend = self._local.connection = http.client.HTTPConnection(store.address)
        backend.request(handler.command, handler.path, body, dict(handler.headers.items()))
        response = backend.getresponse()
        content = response.read()
        headers = {k: v for k, v in response.getheaders() if k.lower() not in ("connection", "transfer-encoding", "date", "server")}
        _answer(handler, response.status, headers, content)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "Meter":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _kind(method: str, path: str) -> str:
    _, _, query = path.partition("?")
    if method == "GET":
        return "LIST" if "list-type" in query or "uploads" in query or "location" in query else "GET"
    return method


def _answer(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], content: bytes) -> None:
    handler.send_response(status)
    for k, v in headers.items():
        if k.lower() != "content-length":
            handler.send_header(k, v)
    handler.send_header("Content-Length", headers.get("Content-Length", str(len(content))))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
