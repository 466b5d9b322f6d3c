"""Jobs of all accounts."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from staging_core.errors import AlreadyFinal, TooManyQueued
from staging_core.models import Job, JobState, Place
from staging_embed.answer import Answer
from staging_embed.answers.job import JobAnswer, job_answer
from staging_embed.answers.replayed import replayed
from staging_embed.call import Call
from staging_embed.fields import Cursor, Id, Limit
from staging_embed.paging import new_page

from .group import admin, operators

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]


class AdminJob(Struct, frozen=True, kw_only=True):
    """A job, and whose it is."""

    account_id: str
    job: JobAnswer


class AdminJobs(Struct, frozen=True, kw_only=True):
    """Jobs of all accounts, newest first."""

    jobs: list[AdminJob]
    next_cursor: str | None


class WantedJobs(Struct, frozen=True, kw_only=True):
    """Which jobs: those for which all that is given holds."""

    state: Annotated[JobState, Meta(description="Only jobs in this state.")] | None = None
    code: Annotated[Name, Meta(description="Of the error that ended it.")] | None = None
    model: Annotated[Name, Meta(description="Of this model.")] | None = None
    account_id: Annotated[Name, Meta(description="Of this account.")] | None = None
    project_id: Annotated[Id, Meta(description="Of this project.")] | None = None
    changed_within_s: (
        Annotated[Seconds, Meta(description="Seconds since its last change, at most.")] | None
    ) = None
    older_than_s: (
        Annotated[Seconds, Meta(description="Seconds since it was made, at least.")] | None
    ) = None
    stuck: Annotated[bool, Meta(description="Due for a minute, and no worker took it.")] = False
    limit: Limit | None = None
    cursor: Cursor | None = None


@admin.get("/admin/jobs", operators)
async def list_admin_jobs(call: Call, query: WantedJobs) -> AdminJobs:
    """Jobs of all accounts, newest first."""
    which: dict[str, Any] = {
        "state": query.state,
        "code": query.code,
        "model": query.model,
        "account_id": query.account_id,
        "project_id": query.project_id,
        "since_s": query.changed_within_s,
        "older_s": query.older_than_s,
        "stuck": query.stuck,
    }
    before = call.place("all jobs", query.cursor, Place)
    rows, more = await new_page(
        lambda limit: call.operating.jobs(**which, before=before, limit=limit), query.limit
    )
    return AdminJobs(
        jobs=[_answer(row) for row in rows],
        next_cursor=call.next("all jobs", rows[-1].place if more else None),
    )


@admin.post(
    "/admin/jobs/{job_id}/requeue",
    operators,
    status=201,
    creates=True,
    errors=(AlreadyFinal, TooManyQueued),
)
async def requeue_job(call: Call) -> Answer[AdminJob]:
    """Make a new job for the image of a dead one; the new job.

    The dead one stays as it is. A repeat without an `Idempotency-Key` is refused as
    `already_final`: the image has a newer job.
    """
    made = await call.operating.requeue(call.id("job_id"), idempotency_key=call.idempotency_key)
    return replayed(_answer(made), made.replayed)


@admin.post("/admin/jobs/{job_id}/cancel", operators, status=202, errors=(AlreadyFinal,))
async def cancel_admin_job(call: Call) -> AdminJob:
    """Cancel a job that has not ended."""
    return _answer(await call.operating.cancel(call.id("job_id")))


def _answer(job: Job) -> AdminJob:
    return AdminJob(account_id=job.account_id, job=job_answer(job))
