"""What a fault is: aimed before the job, struck in the middle of it, healed after a while, and proved."""

from __future__ import annotations

import random
from typing import Callable

from .place import Event, Running, Site


class NotFired(Exception):
    """The fault did not strike while the job ran: the trial proves nothing."""


class Fault:
    """One fault for one trial. Errors of `strike` and `heal` other than NotFired are errors of the tests themselves."""

    #: What it is called in the report.
    kind = ""
    #: The kind of place it needs, see plan.py.
    place = "plain"
    #: Words of which a lost worker's or output's reason must contain one, if a loss is logged at all.
    reasons: tuple[str, ...] = ()
    #: The part of the undisturbed time after which it strikes.
    at = (0.05, 0.8)
    #: Seconds between strike and heal.
    hold = (1.0, 8.0)

    def aim(self, site: Site, rng: random.Random) -> None:
        """Chooses the victim, while all is well."""

    def strike(self, site: Site, running: Running) -> None:
        """Breaks it."""
        raise NotImplementedError

    def watch(self, running: Running) -> None:
        """Called again and again between strike and heal."""

    def heal(self, site: Site) -> None:
        """Mends it. Called also after a strike that failed."""

    def proof(self, events: list[Event], log: str) -> str:
        """How it is known that the fault struck while the job ran; raises NotFired if it is not."""
        raise NotImplementedError


def must_run(running: Running) -> None:
    """A job that is over cannot be hurt."""
    if not running.is_alive():
        raise NotFired("the job was over")


#: Makes a fault, fresh for each trial.
Maker = Callable[[], Fault]
