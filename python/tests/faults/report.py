"""The table of a run: by kind of fault, what came of the jobs."""

from __future__ import annotations

import statistics
from collections import Counter

from .trial import BAD, ERROR, HUNG, RIGHT, UNFIRED, UNTYPED, WRONG, Outcome


def _row(kind: str, outcomes: list[Outcome]) -> str:
    n = Counter(o.verdict for o in outcomes)
    fired = [o for o in outcomes if o.verdict != UNFIRED]
    extra = [o.seconds - o.baseline for o in fired if o.verdict == RIGHT]
    classes = Counter(o.detail.split(":")[0] for o in outcomes if o.verdict in (ERROR, UNTYPED))
    cells = [kind, str(len(fired)), str(n[RIGHT]), str(n[ERROR]), ", ".join(f"{c} {k}" for k, c in classes.items()) or "–"]
    cells += [str(n[v]) for v in (WRONG, HUNG, UNTYPED, UNFIRED)]
    cells += [f"{statistics.median(extra):+.1f}, {max(extra):+.1f}" if extra else "–"]
    named = [o for o in fired if o.reasons]
    cells += [f"{sum(not o.misnamed for o in named)} of {len(named)}" if named else "–"]
    return "| " + " | ".join(cells) + " |"


def markdown(outcomes: list[Outcome], title: str, absent: dict[str, str]) -> str:
    """The report as a page."""
    fired = [o for o in outcomes if o.verdict != UNFIRED]
    bad = [o for o in outcomes if o.verdict in BAD]
    n = Counter(o.verdict for o in fired)
    lines = [
        f"# {title}", "",
        f"{len(fired)} jobs whose fault is proved to have struck: {n[RIGHT]} right, {n[ERROR]} typed errors, {n[WRONG]} wrong, "
        f"{n[HUNG]} hung, {n[UNTYPED]} untyped errors. {len(outcomes) - len(fired)} more did not count: the fault did not strike.", "",
        "| fault | jobs | right | typed errors | their classes | wrong | hung | untyped | not fired | seconds more: median, most | losses named right |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row(kind, [o for o in outcomes if o.drawn.kind == kind]) for kind in sorted({o.drawn.kind for o in outcomes})]
    lines += [_row("all", outcomes), ""]
    lines += [f"- Left out: {name}: {reason}." for name, reason in absent.items()]
    for heading, these in (("Bad", bad), ("Errors", [o for o in fired if o.verdict == ERROR])):
        if these:
            lines += ["", f"## {heading}", ""] + [f"- {o.line()}" for o in these]
    if misnamed := [o for o in fired if o.misnamed]:
        lines += ["", "## Losses whose reason does not say what was done", ""]
        lines += [f"- #{o.drawn.number} {o.drawn.kind}: {'; '.join(o.misnamed)}" for o in misnamed]
    lines += ["", "## How each fault was proved", ""] + [f"- {o.line()}" for o in fired]
    return "\n".join(lines) + "\n"
