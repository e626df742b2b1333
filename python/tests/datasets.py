"""Where the test data sets live, and how they come to be there.

A data set is a folder of `<table>.parquet` files below the cache folder: `$SPURWHEEL_DATA`, or
`build/data` of the checkout. It is made once: into a temporary folder that is renamed when it is
whole, with a stamp that names the recipe, so an interrupted or outdated one is never used.

    python python/tests/datasets.py [tpch/sf0.1/duckdb tpcds/sf1/duckdb ... | all]
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

try:
    from . import tpchgen
except ImportError:  # run as a script
    import tpchgen  # type: ignore[no-redef]

CHECKOUT = Path(__file__).resolve().parents[2]
STAMP = "_RECIPE"

#: Name -> (recipe, generator). Change the recipe's text whenever the files would come out otherwise.
_SETS: dict[str, tuple[str, Callable[[Path], None]]] = {
    f"{family}/sf{sf}/{writer}": (f"{family} {writer} sf={sf} v1", lambda into, g=generate, s=sf: g(into, s))
    for family, writer, generate in (
        ("tpch", "duckdb", tpchgen.tpch_duckdb),
        ("tpch", "arrowrs", tpchgen.tpch_arrowrs),
        ("tpcds", "duckdb", tpchgen.tpcds_duckdb),
        ("small", "pyarrow", tpchgen.many_small_files),
    )
    for sf in ("0.1", "1")
}


def names() -> list[str]:
    """Every data set there is."""
    return sorted(_SETS)


def root() -> Path:
    """The cache folder. It ignores itself in git, wherever it lies."""
    folder = Path(os.environ.get("SPURWHEEL_DATA") or CHECKOUT / "build" / "data").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


def ensure(name: str) -> Path:
    """The folder of the data set, generated first if it is not there yet. Safe to call from many processes."""
    if name not in _SETS:
        raise KeyError(f"unknown data set {name!r}; there are {', '.join(names())}")
    recipe, generate = _SETS[name]
    folder = root() / name
    if _is_current(folder, recipe):
        return folder
    with _locked(root() / (name.replace("/", "-") + ".lock")):
        if not _is_current(folder, recipe):
            _make(folder, recipe, generate)
    return folder


def tables(name: str) -> dict[str, Path]:
    """Table name -> Parquet file of a data set."""
    return {file.stem: file for file in sorted(ensure(name).glob("*.parquet"))}


def _is_current(folder: Path, recipe: str) -> bool:
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text() == recipe


def _make(folder: Path, recipe: str, generate: Callable[[Path], None]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        generate(temporary)
        (temporary / STAMP).write_text(recipe)
        temporary.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main(wanted: list[str]) -> int:
    for name in names() if wanted == ["all"] else wanted or [n for n in names() if "sf0.1" in n]:
        print(f"{name}: {ensure(name)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
