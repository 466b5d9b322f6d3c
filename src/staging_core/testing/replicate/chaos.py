"""What goes wrong, how often, and what becomes of each prediction."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import msgspec

ANSWERS = ("busy", "error_before", "error_after", "lost_answer", "late_landing")
COURSES = ("stall", "slow", "aborted", "unknown_status", "failed", "moderated")
OUTPUTS = (
    "garbage",
    "html",
    "bomb",
    "wrong_size",
    "blank",
    "identical",
    "expired_output",
    "oversized",
    "private_redirect",
    "foreign_host",
)
CALLBACKS = ("callbacks_doubled", "callbacks_late", "callbacks_lost")
GROUPS = {"answer": ANSWERS, "course": COURSES, "output": OUTPUTS, "callbacks": CALLBACKS}


class Chaos(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Probabilities from 0 to 1, and how bad it gets; all of it off by default.

    One fault of each group (answer, course, output, callbacks) at most strikes a create, so the
    probabilities of a group add up to 1 at most. ``next``: faults for the next creates, one list
    for each, before any chance.
    """

    # The answer to a create.
    busy: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    lost_answer: float = 0.0
    late_landing: float = 0.0
    # The course of a prediction.
    stall: float = 0.0
    slow: float = 0.0
    aborted: float = 0.0
    unknown_status: float = 0.0
    failed: float = 0.0
    moderated: float = 0.0
    # Its output.
    garbage: float = 0.0
    html: float = 0.0
    bomb: float = 0.0
    wrong_size: float = 0.0
    blank: float = 0.0
    identical: float = 0.0
    expired_output: float = 0.0
    oversized: float = 0.0
    private_redirect: float = 0.0
    foreign_host: float = 0.0
    # Its callbacks.
    callbacks_doubled: float = 0.0
    callbacks_late: float = 0.0
    callbacks_lost: float = 0.0
    # Any other call.
    error_reading: float = 0.0
    # How bad.
    retry_after_s: float = 1.0
    late_landing_s: float = 5.0
    slow_s: float = 60.0
    callbacks_late_s: float = 5.0
    oversized_bytes: int = 128 * 2**20
    redirect_to: str = "http://169.254.169.254/latest/meta-data/"
    foreign_output: str = "https://outputs.example.org/out-0.png"
    next: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        for group, names in {**GROUPS, "reading": ("error_reading",)}.items():
            chances = [float(getattr(self, name)) for name in names]
            if min(chances) < 0 or sum(chances) > 1:
                raise ValueError(f"The chances of {group} are not between 0 and 1: {chances}.")
        known = {name for names in GROUPS.values() for name in names}
        for name in (name for faults in self.next for name in faults):
            if name not in known:
                raise ValueError(f"There is no fault {name!r}; known: {', '.join(sorted(known))}.")


class Fate(msgspec.Struct, frozen=True):
    """The faults that strike one create, one of each group at most."""

    answer: str | None = None
    course: str | None = None
    output: str | None = None
    callbacks: str | None = None

    def faults(self) -> tuple[str, ...]:
        """Their names."""
        every = (self.answer, self.course, self.output, self.callbacks)
        return tuple(fault for fault in every if fault)


class Dice:
    """The chaos in force and what is drawn from it: by the seed, the n-th create has its fate."""

    def __init__(self, seed: int, chaos: Chaos) -> None:
        self._seed = seed
        self.set(chaos)

    def set(self, chaos: Chaos) -> None:
        """From now on, ``chaos``; what was to come next is dropped."""
        self.chaos = chaos
        self._next = list(chaos.next)

    def then(self, *faults: str) -> None:
        """The create after those that are planned already has these faults, and no other."""
        Chaos(next=(faults,))
        self._next.append(faults)

    def fate(self, ordinal: int) -> Fate:
        """What becomes of the create of this number."""
        if self._next:
            return _planned(self._next.pop(0))
        chance = random.Random(f"{self._seed} create {ordinal}")  # noqa: S311 - to be repeated
        drawn: dict[str, str | None] = {}
        for group, names in GROUPS.items():
            drawn[group] = self._drawn(chance.random(), names)
        return Fate(**drawn)

    def reading_fails(self, ordinal: int) -> bool:
        """Whether the n-th call that creates nothing fails."""
        if not self.chaos.error_reading:
            return False
        chance = random.Random(f"{self._seed} read {ordinal}")  # noqa: S311 - to be repeated
        return chance.random() < self.chaos.error_reading

    def _drawn(self, share: float, names: Iterable[str]) -> str | None:
        for name in names:
            share -= float(getattr(self.chaos, name))
            if share < 0:
                return name
        return None


def _planned(faults: Iterable[str]) -> Fate:
    groups: dict[str, Any] = {
        group: fault for fault in faults for group, names in GROUPS.items() if fault in names
    }
    return Fate(**groups)
