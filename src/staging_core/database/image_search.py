"""Images of any account, as operators go through them: all of them, once, in the order of ids."""

from __future__ import annotations

import sqlalchemy as sa

from staging_core.models import JobStatus, states_of

from . import pages
from .engine import Transaction
from .row import Row
from .tables import images, jobs, originals


async def page(
    tx: Transaction,
    *,
    project_id: str | None,
    status: JobStatus | None,
    after: str | None,
    limit: int,
) -> list[Row]:
    """The next images after the id ``after``, each with its job's state and its objects' keys."""
    pages.check_limit(limit)
    query = (
        sa.select(
            images.c.id,
            images.c.account_id,
            images.c.job_id,
            images.c.staged_key,
            originals.c.key.label("original_key"),
            jobs.c.state,
            jobs.c.model,
        )
        .join(jobs, jobs.c.id == images.c.job_id)
        .join(originals, originals.c.id == images.c.original_id)
        .where(images.c.deleted_at.is_(None))
        .order_by(images.c.id)
        .limit(limit)
    )
    if project_id is not None:
        query = query.where(images.c.project_id == project_id)
    if status is not None:
        query = query.where(jobs.c.state.in_(states_of(status)))
    if after is not None:
        query = query.where(images.c.id > after)
    return await tx.rows(query)
