"""Jobs that a worker of an earlier version has ended without settling what was held for them."""

from __future__ import annotations

from typing import Any, Protocol

import sqlalchemy as sa

from .engine import Transaction
from .row import Row
from .tables import jobs


class Settle(Protocol):
    """Settles what is held for a job that has ended."""

    def __call__(self, tx: Transaction, job: Row, *, captured: bool) -> None: ...


async def settle_each(
    tx: Transaction, held_in: sa.Column[Any], settle: Settle, *, limit: int
) -> int:
    """Settle those of which something is ``held_in`` that column of theirs; how many."""
    left = await tx.rows(
        sa.select(jobs.c.id, jobs.c.account_id, jobs.c.state, held_in)
        .where(held_in.is_not(None), jobs.c.settled_at.is_(None), jobs.c.finished_at.is_not(None))
        .order_by(jobs.c.finished_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    for job in left:
        await tx.execute(sa.update(jobs).where(jobs.c.id == job["id"]).values(settled_at=tx.now))
        settle(tx, job, captured=job["state"] == "ready")
    return len(left)
