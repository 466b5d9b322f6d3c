"""What happened to a job."""

from __future__ import annotations

from typing import Any

import msgspec

from .job import JobState, JobStatus, status_of


class JobEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the event log.

    ``seq`` counts from 1 within the job without a gap; ``position`` grows across the account and is
    what a client resumes from. ``type``: ``state`` or ``progress``. ``at``: Unix seconds.
    """

    position: int
    account_id: str
    job_id: str
    image_id: str
    group_id: str
    seq: int
    type: str
    state: JobState
    at: float
    data: dict[str, Any] = {}

    @property
    def status(self) -> JobStatus:
        """The coarse word of ``state``."""
        return status_of(self.state)


MOST_EVENTS = 500
"""That one page has."""


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Events in order. ``settled``: they are of a group whose jobs had all ended by then."""

    events: tuple[JobEvent, ...]
    settled: bool = False
