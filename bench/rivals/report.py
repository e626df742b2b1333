"""A comparison's result as JSON for machines and as Markdown for people."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import geometric_mean, median


def write(folder: Path, name: str, result: dict) -> list[Path]:
    """Writes both forms; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    as_json, as_text = folder / f"{name}.json", folder / f"{name}.md"
    as_json.write_text(json.dumps(result, indent=1) + "\n")
    as_text.write_text(table(result))
    return [as_json, as_text]


def table(result: dict) -> str:
    """The whole report."""
    machine = result["machine"]
    names = list(result["engines"])
    title = (
        f"# TPC-H SF{result['sf']} and controls, {result['when']}\n\n"
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, kernel {machine['kernel']}; "
        f"{result['threads']} threads; Parquet by {result['writer']}; {result['rounds']} interleaved rounds; commit {result['commit']}.\n"
        "Wall times in ms at the engine's own Python door, to the last byte; min / median. "
        "A query that not every engine answered rightly counts for nobody's mean.\n\n"
    )
    return title + _summary(result, names) + "\n" + _details(result, names) + _remarks(result, names)


def _summary(result: dict, names: list[str]) -> str:
    shared = _shared(result, names, controls=False)
    rows = [["engine", "geomean of min", "sum of min", "geomean of median", "CPU s a round", "peak RSS MiB", "right", "start s"]]
    for name in names:
        engine = result["engines"][name]
        low = [_walls(engine, q, min) for q in shared]
        mid = [_walls(engine, q, median) for q in shared]
        cpu = sum(median(s["cpu"] for s in engine["samples"][q]) for q in shared)
        right = sum(check == "equal" for check in engine["checks"].values())
        rows.append(
            [name, _mean(low), f"{sum(low):,.0f}", _mean(mid), f"{cpu:.1f}", f"{engine['peak_rss_bytes'] / 2**20:,.0f}",
             f"{right} of {len(engine['checks'])}", f"{engine['start_seconds']:.2f}"]
        )  # fmt: skip
    return f"Over the {len(shared)} TPC-H queries that all engines answered rightly:\n\n" + _markdown(rows)


def _details(result: dict, names: list[str]) -> str:
    every = list(dict.fromkeys(q for name in names for q in result["engines"][name]["checks"]))
    rows = [["query", *names, *(f"{name} CPU" for name in names)]]
    for query in every:
        engines = [result["engines"][name] for name in names]
        rows.append([query, *(_cell(e, query) for e in engines), *(_cpu(e, query) for e in engines)])
    return _markdown(rows)


def _remarks(result: dict, names: list[str]) -> str:
    lines = [
        f"- {name} {query}: {check.splitlines()[0]}"
        for name in names
        for query, check in result["engines"][name]["checks"].items()
        if check != "equal"
    ]
    return "\nNot equal to the oracle:\n\n" + "\n".join(lines) + "\n" if lines else "\nEvery answer of every engine equals the oracle's.\n"


def _shared(result: dict, names: list[str], controls: bool) -> list[str]:
    first = result["engines"][names[0]]["checks"]
    return [
        q for q in first
        if (q in result["controls"]) == controls and all(result["engines"][n]["checks"].get(q) == "equal" for n in names)
    ]  # fmt: skip


def _walls(engine: dict, query: str, pick) -> float:
    return 1000 * pick(s["wall"] for s in engine["samples"][query])


def _mean(values: list[float]) -> str:
    return f"{geometric_mean(values):,.0f}" if values else "–"


def _cell(engine: dict, query: str) -> str:
    check = engine["checks"].get(query, "")
    if check != "equal":
        return check.split(":")[0]
    return f"{_walls(engine, query, min):,.0f} / {_walls(engine, query, median):,.0f}"


def _cpu(engine: dict, query: str) -> str:
    samples = engine["samples"].get(query, [])
    return f"{1000 * median(s['cpu'] for s in samples):,.0f}" if samples else "–"


def _markdown(rows: list[list[str]]) -> str:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body]) + "\n"
