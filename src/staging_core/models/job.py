"""A job: one image, one output, from queue to settlement."""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from .place import Place

JobState = Literal[
    "queued",
    "preparing",
    "submitted",
    "waiting",
    "fetching",
    "staging",
    "finalizing",
    "needs_review",
    "ready",
    "error",
    "cancelled",
]
JobStatus = Literal["queued", "processing", "ready", "error"]
TERMINAL: frozenset[str] = frozenset({"ready", "error", "cancelled"})


def states_of(status: JobStatus) -> frozenset[JobState]:
    """All states that show as ``status``."""
    return frozenset(state for state in get_args(JobState) if status_of(state) == status)


def status_of(state: JobState) -> JobStatus:
    """The coarse word that every client understands; cancelled and held jobs show as error."""
    if state in ("queued", "ready"):
        return "queued" if state == "queued" else "ready"
    return "error" if state in ("error", "cancelled", "needs_review") else "processing"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as its account sees it. Times are Unix seconds; ``error`` is a stable code."""

    id: str
    image_id: str
    group_id: str
    account_id: str
    state: JobState
    model: str
    attempts: int
    progress: float = 0.0
    phase: str = ""
    error: str | None = None
    message: str | None = None
    cost_usd: float = 0.0
    timings_ms: dict[str, float] = {}
    report: dict[str, Any] = {}
    created_at: float = 0.0
    updated_at: float = 0.0
    finished_at: float | None = None

    @property
    def place(self) -> Place:
        """Its place in the list of jobs, and in one of images by their state."""
        return Place(self.created_at, self.id)

    @property
    def status(self) -> JobStatus:
        """The coarse word of ``state``."""
        return status_of(self.state)


class NewJob(Job, frozen=True, kw_only=True):
    """A job that a call has made. ``replayed``: an earlier call, under the same idempotency key."""

    replayed: bool = False
