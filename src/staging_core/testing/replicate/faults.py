"""The double as the conformance suite of deferring stagers asks it to misbehave."""

from __future__ import annotations

from .server import RunningReplicate


class ReplicateFaults:
    """Implements ``Faults``. The double has to be ``manual``: predictions end when they are told.

    ``made`` counts from here on, so that one double may serve many checks.
    """

    def __init__(self, replicate: RunningReplicate) -> None:
        self._replicate = replicate
        self._before = len(replicate.predictions())

    def made(self) -> int:
        """How many predictions were made since this began."""
        return len(self._replicate.predictions()) - self._before

    def be_busy(self) -> None:
        """The next create is turned away with 429."""
        self._replicate.then("busy")

    def lose_answer(self) -> None:
        """The next create makes its prediction, and the connection is cut."""
        self._replicate.then("lost_answer")

    def land_late(self) -> None:
        """The next create's answer is lost; the prediction is found after ``late_landing_s``."""
        self._replicate.then("late_landing")

    def finish(self, handle: str) -> None:
        """The prediction succeeds, unless it has ended."""
        self._replicate.act(handle, "finish")

    def fail(self, handle: str, *, moderated: bool = False) -> None:
        """The prediction fails, unless it has ended."""
        self._replicate.act(handle, "moderate" if moderated else "fail")

    def say_strangely(self, handle: str) -> None:
        """The prediction's status is a word that nobody knows."""
        self._replicate.act(handle, "say_strangely")

    def expire_output(self, handle: str) -> None:
        """The output is gone."""
        self._replicate.act(handle, "expire_output")
