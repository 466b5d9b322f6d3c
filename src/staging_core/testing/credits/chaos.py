"""What goes wrong, how often, and with which calls."""

from __future__ import annotations

import random
from fnmatch import fnmatchcase

import msgspec

FAULTS = ("busy", "error_before", "error_after", "lost_answer", "slow_after")
"""429 and 500 with nothing done; 500, a line that is cut, and a late answer with all of it done."""


class Chaos(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Probabilities from 0 to 1, off by default; one fault at most strikes a call.

    ``slow_s``: how late a late answer is.
    """

    busy: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    lost_answer: float = 0.0
    slow_after: float = 0.0
    slow_s: float = 30.0

    def __post_init__(self) -> None:
        chances = [float(getattr(self, name)) for name in FAULTS]
        if min(chances) < 0 or sum(chances) > 1:
            raise ValueError(f"The chances are not between 0 and 1: {chances}.")


class Planned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``fault`` strikes the next call whose method and path fit ``on``, such as ``POST /v1/*``."""

    fault: str
    on: str = "* /v1/*"

    def __post_init__(self) -> None:
        if self.fault not in FAULTS:
            raise ValueError(f"There is no fault {self.fault!r}; known: {', '.join(FAULTS)}.")


class Dice:
    """The chaos in force and what is drawn from it: by the seed, the n-th call has its fate."""

    def __init__(self, seed: int, chaos: Chaos) -> None:
        self.chaos = chaos
        self._seed, self._calls = seed, 0
        self._next: list[Planned] = []

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
        share = random.Random(f"{self._seed} {self._calls}").random()  # noqa: S311 - repeatable
        for name in FAULTS:
            share -= float(getattr(self.chaos, name))
            if share < 0:
                return name
        return None
