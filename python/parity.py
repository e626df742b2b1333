"""How much of what real Spark answers a fresh server answers alike: recorded statements, then PySpark's own doctests.

The runner and the recordings are no part of the repository: where they are not, this says so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "tests"))

from server import Server  # noqa: E402

MODULES = ("dataframe", "functions.builtin", "column", "catalog")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runner", type=Path, required=True, help="folder of parity.py and doctests.py")
    arguments.add_argument("--data", type=Path, required=True, help="folder of the recordings")
    arguments.add_argument("--timeout", default="20", help="seconds for a statement")
    given = arguments.parse_args()
    if not (given.runner / "parity.py").is_file() or not given.data.is_dir():
        print(f"no recorded answers at {given.data}, or no runner at {given.runner}: nothing is compared")
        return 0
    runs = (
        [given.runner / "parity.py", "check", "--remote", "{url}", given.data, "--timeout", given.timeout, "--top", "40"],
        [given.runner / "doctests.py", "{url}", *MODULES],
    )
    for run in runs:
        with Server() as server:  # each has one of its own: they drop tables and views
            command = [server.url if part == "{url}" else str(part) for part in run]
            subprocess.run([sys.executable, *command], check=False)  # how many are alike is a figure, not a failure
            if not server.alive():
                print("the server died", *server.log, sep="\n")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
