"""Attempts: a row is committed before the model is called."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa

from .engine import Transaction
from .tables import attempts


async def begin(tx: Transaction, job: sa.RowMapping, *, time_limit_s: float) -> sa.RowMapping:
    """The job's next attempt, or again its last one when that was busy or given back unused."""
    again = await tx.row(
        sa.update(attempts)
        .where(attempts.c.job_id == job["id"], attempts.c.state.in_(("busy", "released")))
        .values(state="started", started_at=tx.now, deadline=tx.now + time_limit_s)
        .returning(*attempts.c)
    )
    if again is not None:
        return again
    number = await tx.row(
        sa.select(sa.func.coalesce(sa.func.max(attempts.c.number), 0).label("last")).where(
            attempts.c.job_id == job["id"]
        )
    )
    assert number is not None
    begun = await tx.row(
        sa.insert(attempts)
        .values(
            id=uuid4().hex,
            account_id=job["account_id"],
            job_id=job["id"],
            number=number["last"] + 1,
            state="started",
            started_at=tx.now,
            deadline=tx.now + time_limit_s,
        )
        .returning(*attempts.c)
    )
    assert begun is not None
    return begun


async def end(
    tx: Transaction,
    job_id: str,
    state: str,
    *,
    error: str | None = None,
    message: str | None = None,
    cost_usd: float = 0.0,
) -> None:
    """Close the job's started attempt as succeeded, failed, busy, lost or released."""
    await tx.execute(
        sa.update(attempts)
        .where(attempts.c.job_id == job_id, attempts.c.state == "started")
        .values(state=state, error=error, message=message, cost_usd=cost_usd, finished_at=tx.now)
    )


async def of_job(tx: Transaction, account_id: str, job_id: str) -> list[sa.RowMapping]:
    """The job's attempts in order."""
    return await tx.rows(
        sa.select(attempts)
        .where(attempts.c.account_id == account_id, attempts.c.job_id == job_id)
        .order_by(attempts.c.number)
    )
