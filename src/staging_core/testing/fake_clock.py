"""A clock that a test moves."""

from __future__ import annotations


class FakeClock:
    """Call it for the time in Unix seconds; it stands still until ``advance``."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass; it never runs backwards."""
        if seconds < 0:
            raise ValueError(f"A clock does not run backwards ({seconds} s).")
        self._now += seconds
