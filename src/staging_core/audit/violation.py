"""One thing that must not be."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Violation(msgspec.Struct, frozen=True):
    """``invariant``: its number; ``what``: a plain sentence; ``subject``: whose id or key."""

    invariant: str
    what: str
    subject: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.what} ({self.subject})"


def each(invariant: str, what: str, subjects: Iterable[object]) -> list[Violation]:
    """One violation for each subject."""
    return [Violation(invariant, what, str(subject)) for subject in subjects]
