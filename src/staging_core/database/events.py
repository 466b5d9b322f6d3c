"""The event log: rows, numbered within the job and across the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from staging_core.models import TERMINAL, JobEvent, JobState

from .tables import accounts, events, jobs

if TYPE_CHECKING:
    from .engine import Transaction


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An event that has no number yet."""

    account_id: str
    job_id: str
    image_id: str
    group_id: str
    type: str
    state: JobState
    data: dict[str, Any] = {}


def draft(job: sa.RowMapping, state: JobState, type: str = "state", **data: Any) -> Draft:
    """An event of ``job``, a row of the jobs table."""
    return Draft(
        account_id=job["account_id"],
        job_id=job["id"],
        image_id=job["image_id"],
        group_id=job["group_id"],
        type=type,
        state=state,
        data={name: value for name, value in data.items() if value is not None},
    )


async def append(connection: AsyncConnection, drafts: list[Draft], now: float) -> list[JobEvent]:
    """Number the drafts and write them. Call it last in the transaction."""
    told = []
    for item in drafts:
        seq = await connection.scalar(
            sa.update(jobs)
            .where(jobs.c.id == item.job_id)
            .values(seq=jobs.c.seq + 1)
            .returning(jobs.c.seq)
        )
        position = await connection.scalar(
            sa.update(accounts)
            .where(accounts.c.id == item.account_id)
            .values(position=accounts.c.position + 1)
            .returning(accounts.c.position)
        )
        event = JobEvent(position=position, seq=seq, at=now, **msgspec.structs.asdict(item))
        await connection.execute(sa.insert(events).values(msgspec.structs.asdict(event)))
        told.append(event)
    return told


async def after(
    tx: Transaction,
    account_id: str,
    position: int,
    *,
    group_id: str | None = None,
    limit: int = 500,
) -> list[JobEvent]:
    """The account's events after ``position``, in order; of one group when named."""
    query = (
        sa.select(events)
        .where(events.c.account_id == account_id, events.c.position > position)
        .order_by(events.c.position)
        .limit(limit)
    )
    if group_id is not None:
        query = query.where(events.c.group_id == group_id)
    return [JobEvent(**row) for row in await tx.rows(query)]


async def of_job(tx: Transaction, account_id: str, job_id: str) -> list[JobEvent]:
    """A job's whole history."""
    query = (
        sa.select(events)
        .where(events.c.account_id == account_id, events.c.job_id == job_id)
        .order_by(events.c.seq)
    )
    return [JobEvent(**row) for row in await tx.rows(query)]


async def settled(tx: Transaction, account_id: str, group_id: str) -> bool:
    """Whether every job of the group has ended (a later retry opens it again)."""
    open_job = await tx.row(
        sa.select(jobs.c.id)
        .where(
            jobs.c.account_id == account_id,
            jobs.c.group_id == group_id,
            jobs.c.state.not_in(TERMINAL),
        )
        .limit(1)
    )
    return open_job is None
