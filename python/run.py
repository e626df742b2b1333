"""`make run`: a Spurwheel server, the main job through its front door, word vectors, then a server to work with.

Starts the binary, waits for its ready line, runs `main_job.py` against it as any notebook would,
trains word2vec on the words that the job has read, prints how to connect, and stays in the foreground until Ctrl-C (or ends, with --once).
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
READY = re.compile(r"\bconnect=(\S+) http=(\S+)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(HERE.parent / "build" / "spurwheel"))
    parser.add_argument("--once", action="store_true", help="end after the report")
    options = parser.parse_args()

    command = [options.binary, "up"]
    if options.once:  # beside whatever else runs on this machine, leaving nothing behind
        scratch = tempfile.TemporaryDirectory(prefix="spurwheel-run-")
        command += ["--connect", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", scratch.name]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        connect, http = addresses(server)
        with tempfile.TemporaryDirectory(prefix="spurwheel-words-") as words:
            job = [sys.executable, str(HERE / "main_job.py"), "--remote", f"sc://{connect}", "--sentences", f"{words}/sentences"]
            status = subprocess.run(job).returncode or word_vectors(options.binary, words)
        if status != 0 or options.once:
            return status
        print(welcome(connect, http), flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        stop(server)


#: Identifiers that every Go program knows.
WELL_KNOWN = ["err", "ctx", "Mutex", "int64", "append"]


def word_vectors(binary: str, words: str) -> int:
    """Trains on the job's sentences and prints which identifiers are used alike."""
    model = f"{words}/model.bin"
    print("\nword2vec on the same words:", flush=True)
    train = ["train", "--input", f"{words}/sentences", "--output", model, "--dim", "64", "--epochs", "3", "--min-count", "20", "--quiet"]
    for arguments in (train, ["similar", model, *WELL_KNOWN, "--top", "4"]):
        status = subprocess.run([binary, "word2vec", *arguments]).returncode
        if status != 0:
            return status
    return 0


def addresses(server: subprocess.Popen[str]) -> tuple[str, str]:
    """The ports of the ready line, which is the first thing on the server's standard output."""
    line = server.stdout.readline() if server.stdout else ""
    match = READY.search(line)
    if not match:
        raise SystemExit(f"the server did not start (exit status {server.wait()}); its messages are above")
    return match.group(1), match.group(2)


def welcome(connect: str, http: str) -> str:
    return f"""
The server stays up until Ctrl-C. In a notebook with PySpark:

    from pyspark.sql import SparkSession
    spark = SparkSession.builder.remote("sc://{connect}").getOrCreate()

Health and metrics: http://{http}/healthz  http://{http}/metrics"""


def stop(server: subprocess.Popen[str]) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
