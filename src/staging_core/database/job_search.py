"""Finding jobs as operators look for them: across accounts, by what became of them."""

from __future__ import annotations

import sqlalchemy as sa

from staging_core.errors import NotFound
from staging_core.models import Job, JobState

from .engine import Transaction
from .jobs import as_job
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
    since_s: float | None = None,
    latest: bool = False,
    limit: int = 50,
) -> list[Job]:
    """Jobs for which all that is given holds, newest first.

    ``code``: of the error that ended it. ``since_s``: changed within so many seconds. ``latest``:
    only those that are the newest of their image.
    """
    equal = {
        jobs.c.state: state,
        jobs.c.error: code,
        jobs.c.model: model,
        jobs.c.account_id: account_id,
    }
    query = sa.select(jobs).where(*(column == value for column, value in equal.items() if value))
    if since_s is not None:
        query = query.where(jobs.c.updated_at >= tx.now - since_s)
    if latest:
        query = query.join(images, images.c.id == jobs.c.image_id)
        query = query.where(images.c.job_id == jobs.c.id)
    newest = query.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)
    return [as_job(row) for row in await tx.rows(newest)]
