"""Jobs, and their tries."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from staging_core import Job
from staging_core.models import JobState, JobStatus
from staging_embed.times import rfc3339, rfc3339_or_none


class JobAnswer(Struct, frozen=True, kw_only=True):
    """One job: an image's way from the queue to its end.

    `status` is what every client understands, `state` the finer word. `error_code` is for programs,
    `message` for people. `timings_ms`: how long each phase took. `report`: what the model said.
    """

    id: str
    image_id: str
    group_id: str
    status: JobStatus
    state: JobState
    model: str
    attempts: int
    progress: float
    phase: str
    error_code: str | None
    message: str | None
    cost_usd: float
    timings_ms: dict[str, float]
    report: dict[str, Any]
    created_at: str
    updated_at: str
    finished_at: str | None


def job_answer(job: Job) -> JobAnswer:
    """The job as it is told."""
    same = (
        *("id", "image_id", "group_id", "status", "state", "model", "attempts", "progress"),
        *("phase", "message", "cost_usd", "timings_ms", "report"),
    )
    return JobAnswer(
        **{name: getattr(job, name) for name in same},
        error_code=job.error,
        created_at=rfc3339(job.created_at),
        updated_at=rfc3339(job.updated_at),
        finished_at=rfc3339_or_none(job.finished_at),
    )
