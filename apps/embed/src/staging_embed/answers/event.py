"""Rows of the event log."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from staging_core import JobEvent
from staging_core.models import JobState, JobStatus
from staging_embed.times import rfc3339


class EventAnswer(Struct, frozen=True, kw_only=True):
    """One row of the event log. `id` is what `Last-Event-ID` takes; `seq` counts in the job."""

    id: str
    image_id: str
    job_id: str
    group_id: str
    seq: int
    type: str
    status: JobStatus
    state: JobState
    data: dict[str, Any]
    created_at: str


def event_answer(event: JobEvent) -> EventAnswer:
    """The row as it is told."""
    same = ("image_id", "job_id", "group_id", "seq", "type", "status", "state", "data")
    return EventAnswer(
        id=str(event.position),
        created_at=rfc3339(event.at),
        **{name: getattr(event, name) for name in same},
    )
