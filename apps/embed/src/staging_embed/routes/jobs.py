"""Jobs: the work on images, with every try of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from staging_core.errors import AlreadyFinal
from staging_core.models import JobState
from staging_embed.access import member
from staging_embed.answers.event import EventAnswer, event_answer
from staging_embed.answers.job import JobAnswer, job_answer
from staging_embed.call import Call
from staging_embed.fields import Before, Cursor, Limit
from staging_embed.paging import WholeList, new_page
from staging_embed.routing import Routes
from staging_embed.times import rfc3339, rfc3339_or_none

jobs = Routes("jobs")
_read, _write = member("images:read"), member("images:write")


class Wanted(Struct, frozen=True, kw_only=True):
    """Which jobs."""

    state: Annotated[JobState, Meta(description="Only jobs in this state.")] | None = None
    limit: Limit | None = None
    cursor: Cursor | None = None
    before: Before | None = None


class JobPage(Struct, frozen=True, kw_only=True):
    """Jobs, newest first."""

    jobs: list[JobAnswer]
    next_cursor: str | None


class AttemptAnswer(Struct, frozen=True, kw_only=True):
    """One try. `handle`: how the provider of a model that answers later knows the prediction."""

    number: int
    state: str
    model: str
    handle: str | None
    error_code: str | None
    message: str | None
    cost_usd: float
    started_at: str
    finished_at: str | None


class Attempts(WholeList, frozen=True, kw_only=True):
    """A job's tries in order."""

    attempts: list[AttemptAnswer]


class JobHistory(WholeList, frozen=True, kw_only=True):
    """A job's events in order."""

    events: list[EventAnswer]


@jobs.get("/jobs", _read)
async def list_jobs(call: Call, query: Wanted) -> JobPage:
    """Jobs of the account, newest first."""
    scope = f"jobs {query.state}"
    before = call.before(scope, query)
    rows, more = await new_page(
        lambda limit: call.me.jobs.page(state=query.state, limit=limit, before=before), query.limit
    )
    return JobPage(
        jobs=[job_answer(row) for row in rows],
        next_cursor=call.next(scope, rows[-1].place if more else None),
    )


@jobs.get("/jobs/{job_id}", _read)
async def get_job(call: Call) -> JobAnswer:
    """One job."""
    return job_answer(await call.me.jobs.get(call.id("job_id")))


@jobs.get("/jobs/{job_id}/attempts", _read)
async def list_job_attempts(call: Call) -> Attempts:
    """A job's tries in order, with what each cost."""
    job = await call.me.jobs.get(call.id("job_id"))
    same = ("number", "state", "model", "handle", "message", "cost_usd")
    return Attempts(
        attempts=[
            AttemptAnswer(
                error_code=each.error,
                started_at=rfc3339(each.started_at),
                finished_at=rfc3339_or_none(each.finished_at),
                **{name: getattr(each, name) for name in same},
            )
            for each in await call.me.jobs.attempts(job.id)
        ]
    )


@jobs.get("/jobs/{job_id}/events", _read)
async def list_job_events(call: Call) -> JobHistory:
    """A job's events in order."""
    job = await call.me.jobs.get(call.id("job_id"))
    return JobHistory(events=[event_answer(row) for row in await call.me.jobs.history(job.id)])


@jobs.post("/jobs/{job_id}/cancel", _write, status=202, errors=(AlreadyFinal,))
async def cancel_job(call: Call) -> JobAnswer:
    """Cancel a job that has not ended; nothing is charged for it."""
    return job_answer(await call.me.jobs.cancel(call.id("job_id")))
