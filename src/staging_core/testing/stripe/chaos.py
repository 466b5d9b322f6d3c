"""What goes wrong, how often, and with which calls."""

from __future__ import annotations

import random
from fnmatch import fnmatchcase

import msgspec

CALLS = (
    "busy",
    "error_before",
    "error_kept",
    "error_after",
    "cut_before",
    "lost_answer",
    "slow",
    "slow_after",
)
EVENTS = ("events_doubled", "events_late", "events_lost")


class Planned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``fault`` strikes the next call whose method and path fit ``on``, such as ``POST /v1/*``."""

    fault: str
    on: str = "* /v1/*"

    def __post_init__(self) -> None:
        if self.fault not in CALLS:
            raise ValueError(f"There is no fault {self.fault!r}; known: {', '.join(CALLS)}.")


class Chaos(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Probabilities from 0 to 1, and how bad it gets; all of it off by default.

    One fault at most strikes a call, and one an event. ``next``: faults that come before any
    chance, each on the first call that fits it.
    """

    # Calls.
    busy: float = 0.0
    error_before: float = 0.0
    error_kept: float = 0.0
    error_after: float = 0.0
    cut_before: float = 0.0
    lost_answer: float = 0.0
    slow: float = 0.0
    slow_after: float = 0.0
    # Events.
    events_doubled: float = 0.0
    events_late: float = 0.0
    events_lost: float = 0.0
    # How bad.
    slow_s: float = 1.0
    events_late_s: float = 5.0
    next: tuple[Planned, ...] = ()

    def __post_init__(self) -> None:
        for group in (CALLS, EVENTS):
            chances = [float(getattr(self, name)) for name in group]
            if min(chances) < 0 or sum(chances) > 1:
                raise ValueError(f"The chances of {group} are not between 0 and 1: {chances}.")


class Dice:
    """The chaos in force and what is drawn from it: by the seed, the n-th call has its fate."""

    def __init__(self, seed: int, chaos: Chaos) -> None:
        self._seed, self._calls, self._events = seed, 0, 0
        self.set(chaos)

    def set(self, chaos: Chaos) -> None:
        """From now on, ``chaos``; what was to come next is dropped."""
        self.chaos = chaos
        self._next = list(chaos.next)

    def then(self, planned: Planned) -> None:
        """One more fault that comes before any chance."""
        self._next.append(planned)

    def of_call(self, method: str, path: str) -> str | None:
        """The fault that strikes this call."""
        self._calls += 1
        for planned in self._next:
            if fnmatchcase(f"{method} {path}", planned.on):
                self._next.remove(planned)
                return planned.fault
        return self._drawn(f"call {self._calls}", CALLS)

    def of_event(self) -> str | None:
        """The fault that strikes the next event."""
        self._events += 1
        return self._drawn(f"event {self._events}", EVENTS)

    def late_s(self) -> float:
        """How late a late event is: they overtake one another."""
        chance = random.Random(f"{self._seed} late {self._events}")  # noqa: S311 - to be repeated
        return chance.uniform(0.2, 1.0) * self.chaos.events_late_s

    def _drawn(self, what: str, names: tuple[str, ...]) -> str | None:
        share = random.Random(f"{self._seed} {what}").random()  # noqa: S311 - to be repeated
        for name in names:
            share -= float(getattr(self.chaos, name))
            if share < 0:
                return name
        return None
