"""The legal moves of a job, and the only place that says so.

::

    queued -> preparing -> staging ------------------------> finalizing -> ready
                        -> submitted -> waiting -> fetching -/         -> needs_review -> ready
    any state that is not terminal -> error, cancelled, queued (a new attempt, or a released lease)
    fetching -> waiting (the prediction is asked for again)
    queued, preparing -> waiting (a prediction that was given up has turned up)
"""

from __future__ import annotations

from .errors import StagingError
from .models import TERMINAL, JobState

_ENDS: tuple[JobState, ...] = ("error", "cancelled")

MOVES: dict[JobState, frozenset[JobState]] = {
    "queued": frozenset(("preparing", "waiting", *_ENDS)),
    "preparing": frozenset(("staging", "submitted", "finalizing", "waiting", "queued", *_ENDS)),
    "submitted": frozenset(("waiting", "queued", *_ENDS)),
    "waiting": frozenset(("fetching", "queued", *_ENDS)),
    "fetching": frozenset(("finalizing", "waiting", "queued", *_ENDS)),
    "staging": frozenset(("finalizing", "queued", *_ENDS)),
    "finalizing": frozenset(("ready", "needs_review", "queued", *_ENDS)),
    "needs_review": frozenset(("ready", *_ENDS)),
    "ready": frozenset(),
    "error": frozenset(),
    "cancelled": frozenset(),
}
"""Where a job may go from each state."""

ACTIVE: frozenset[JobState] = frozenset(set(MOVES) - TERMINAL - {"queued", "needs_review"})
"""States between the queue and an end, in which a worker holds, or held, the job."""


class IllegalMove(StagingError):
    """The job cannot go from its state to that one; this is a fault of staging-core."""

    code = "illegal_move"


def check_move(old: JobState, new: JobState) -> None:
    """``IllegalMove`` unless a job may go from ``old`` to ``new``."""
    if new not in MOVES[old]:
        raise IllegalMove(f"A job cannot go from {old} to {new}.")
