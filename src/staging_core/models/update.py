"""What followers of images are told."""

from __future__ import annotations

import msgspec

from .job import JobState, JobStatus, status_of


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """How an image stands after one event, or, as ``snapshot``, when somebody began to follow.

    ``position`` is what to resume from: the account's events up to it have been told. ``seq`` is
    that of the job's event. ``error`` is a stable code, ``message`` a plain sentence. ``trace`` is
    what the job's submission was part of, as a W3C ``traceparent``; clients are not told of it.
    """

    position: int
    image_id: str
    seq: int
    state: JobState
    progress: float = 0.0
    phase: str = ""
    error: str | None = None
    message: str | None = None
    snapshot: bool = False
    trace: str | None = None

    @property
    def status(self) -> JobStatus:
        """The coarse word of ``state``."""
        return status_of(self.state)
