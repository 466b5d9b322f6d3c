"""Finding jobs as operators look for them: across accounts, by what became of them."""

from __future__ import annotations

import sqlalchemy as sa

from staging_core.errors import NotFound
from staging_core.models import Job, JobState, Place

from . import pages
from .engine import Transaction
from .jobs import as_job
from .statistics import is_stuck
from .tables import images, jobs


async def find(tx: Transaction, job_id: str) -> Job:
    """The job, whoever's it is; ``NotFound``."""
    row = await tx.row(sa.select(jobs).where(jobs.c.id == job_id))
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return as_job(row)


async def search(
    tx: Transaction,
    *,
    state: JobState | None = None,
    code: str | None = None,
    model: str | None = None,
    account_id: str | None = None,
    project_id: str | None = None,
    since_s: float | None = None,
    older_s: float | None = None,
    stuck: bool = False,
    latest: bool = False,
    before: Place | None = None,
    limit: int = 50,
) -> list[Job]:
    """Jobs for which all that is given holds, newest first.

    ``code``: of the error that ended it. ``since_s``: changed within so many seconds. ``older_s``:
    made longer ago. ``stuck``: due for a minute, and held by nobody. ``latest``: only those that
    are the newest of their image.
    """
    if code is not None and state is None and code != "cancelled":
        state = "error"
    equal = {
        jobs.c.project_id: project_id,
        jobs.c.error: code,
        jobs.c.model: model,
        jobs.c.account_id: account_id,
    }
    query = sa.select(jobs).where(*(column == value for column, value in equal.items() if value))
    if state is not None:
        query = query.where(_column_of(state) == sa.literal(state, literal_execute=True))
    if stuck:
        query = query.where(is_stuck(tx.now))
    if older_s is not None:
        query = query.where(jobs.c.created_at < tx.now - older_s)
    if since_s is not None:
        query = query.where(jobs.c.updated_at >= tx.now - since_s)
    if latest:
        query = query.join(images, images.c.id == jobs.c.image_id)
        query = query.where(images.c.job_id == jobs.c.id)
    rows = await tx.rows(pages.newest(query, jobs, before, limit))
    return [as_job(row) for row in rows]


def _column_of(state: JobState) -> sa.ColumnElement[str]:
    """The state, compared with a literal: else no planner knows that an index of dead jobs has all.

    Most jobs are ready, so the newest of these are found among the newest of all; as an expression,
    the column is looked at and never looked up.
    """
    return sa.func.coalesce(jobs.c.state, "") if state == "ready" else jobs.c.state
