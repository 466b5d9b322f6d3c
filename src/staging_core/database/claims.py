"""Which job is next: accounts take turns, and no query counts or sorts the whole queue.

A job at work or at a provider that is due, or that a dead worker left, goes before any new one.
New ones come from the account with the fewest in flight, and of those from the one that was served
longest ago. Every lookup is by an index, so that it costs the same with a long queue and a long
history.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from staging_core.states import ACTIVE

from .engine import Transaction
from .tables import accounts, jobs

CLAIMABLE: frozenset[str] = frozenset({"queued"}) | ACTIVE
"""States in which a job wants a worker as soon as it is due and nobody holds it."""

_AT_ONCE = 16
"""Jobs that are looked at together: rivals that claim at the same moment each find one."""

_ACCOUNTS = 50


async def claim(
    tx: Transaction,
    *,
    models: Collection[str],
    starting: Collection[str],
    lease_s: float,
    most: int,
    job_id: str | None = None,
) -> sa.RowMapping | None:
    """Take one due job of ``models`` that nobody holds; the account with the fewest running first.

    The returned row carries the new fence. ``starting``: those of ``models`` whose queued jobs may
    be started now; what waits, and what a dead worker left, is always taken. ``job_id`` asks for
    that job only. ``most``: jobs of one account that may be at work, or at a provider, at a time;
    claims at the same moment may go over it by one each.
    """
    if job_id is not None:
        return await _take(tx, _this(job_id, models, starting, most), lease_s)
    left = _per_state(tx, ACTIVE, models, limit=_AT_ONCE)
    taken = await _take(tx, left, lease_s)
    if taken is not None or not starting:
        return taken
    for account_id in await _in_turn(tx, starting, most):
        queued = _per_state(tx, {"queued"}, starting, limit=_AT_ONCE, account_id=account_id)
        taken = await _take(tx, queued, lease_s)
        if taken is not None:
            return taken
    return None


def _this(
    job_id: str, models: Collection[str], starting: Collection[str], most: int
) -> sa.Select[Any]:
    account = sa.select(accounts.c.id).where(
        accounts.c.id == jobs.c.account_id, accounts.c.in_flight < most
    )
    started = (jobs.c.state != "queued") | (jobs.c.model.in_(starting) & account.exists())
    return sa.select(jobs.c.id).where(jobs.c.id == job_id, jobs.c.model.in_(models), started)


async def _take(tx: Transaction, wanted: sa.Select[Any], lease_s: float) -> sa.RowMapping | None:
    """The first of ``wanted`` that is free, ours from now on; rivals' rows are passed over."""
    free = (
        sa.select(jobs.c.id)
        .where(
            jobs.c.id.in_(wanted),
            jobs.c.state.in_(CLAIMABLE),
            jobs.c.due_at <= tx.now,
            jobs.c.lease_until <= tx.now,
        )
        .order_by(jobs.c.due_at, jobs.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return await tx.row(
        sa.update(jobs)
        .where(jobs.c.id == free.scalar_subquery())
        .values(fence=jobs.c.fence + 1, lease_until=tx.now + lease_s)
        .returning(*jobs.c)
    )


def _per_state(
    tx: Transaction,
    states: Collection[str],
    models: Collection[str],
    *,
    limit: int,
    account_id: str | None = None,
) -> sa.Select[Any]:
    """Ids of due jobs that nobody holds, the oldest ``limit`` of each model and state.

    One index range each: a queue of jobs that may not start now stands in nobody's way.
    """
    parts = []
    for model in sorted(models):
        for state in sorted(states):
            part = (
                sa.select(jobs.c.id)
                .where(
                    jobs.c.model == model,
                    jobs.c.state == state,
                    jobs.c.due_at <= tx.now,
                    jobs.c.lease_until <= tx.now,
                )
                .order_by(jobs.c.due_at)
                .limit(limit)
            )
            if account_id is not None:
                part = part.where(jobs.c.account_id == account_id)
            parts.append(sa.select(part.subquery().c.id))
    if not parts:
        return sa.select(jobs.c.id).where(sa.false())
    return sa.select(sa.union_all(*parts).subquery().c.id)


async def _in_turn(tx: Transaction, starting: Collection[str], most: int) -> list[str]:
    """Accounts that have a job to start now, in the order of their turns."""
    held = (
        sa.select(jobs.c.account_id, sa.func.count().label("n"))
        .where(jobs.c.lease_until > tx.now, jobs.c.state == "queued")
        .group_by(jobs.c.account_id)
        .subquery()
    )
    running = accounts.c.in_flight + sa.func.coalesce(held.c.n, 0)
    ready = [
        sa.exists().where(
            jobs.c.account_id == accounts.c.id,
            jobs.c.model == model,
            jobs.c.state == "queued",
            jobs.c.due_at <= tx.now,
            jobs.c.lease_until <= tx.now,
        )
        for model in sorted(starting)
    ]
    query = (
        sa.select(accounts.c.id)
        .outerjoin(held, held.c.account_id == accounts.c.id)
        .where(accounts.c.queued > 0, running < most, sa.or_(*ready))
        .order_by(running, accounts.c.served_at, accounts.c.id)
        .limit(_ACCOUNTS)
    )
    return [row["id"] for row in await tx.rows(query)]


async def due(tx: Transaction, *, limit: int = 500) -> list[sa.RowMapping]:
    """Jobs (``id``, ``lane``) that want a worker now, oldest first."""
    parts = []
    for state in sorted(CLAIMABLE):
        part = (
            sa.select(jobs.c.id, jobs.c.lane, jobs.c.due_at)
            .where(jobs.c.state == state, jobs.c.due_at <= tx.now, jobs.c.lease_until <= tx.now)
            .order_by(jobs.c.due_at)
            .limit(limit)
        )
        parts.append(sa.select(part.subquery()))
    found = sa.union_all(*parts).subquery()
    return await tx.rows(sa.select(found.c.id, found.c.lane).order_by(found.c.due_at).limit(limit))


async def next_due(
    tx: Transaction, models: Collection[str], *, starting: Collection[str]
) -> float | None:
    """When the next job of ``models`` wants a worker (Unix seconds); None when there is none.

    Queued jobs count only where their model is in ``starting``.
    """
    wanted = [(model, state) for model in models for state in ACTIVE]
    wanted += [(model, "queued") for model in starting]
    if not wanted:
        return None
    first = [
        sa.select(jobs.c.due_at.label("at"))
        .where(jobs.c.model == model, jobs.c.state == state, jobs.c.lease_until <= tx.now)
        .order_by(jobs.c.due_at)
        .limit(1)
        for model, state in sorted(wanted)
    ]
    held = (
        sa.select(jobs.c.lease_until.label("at"))
        .where(
            jobs.c.lease_until > tx.now,
            jobs.c.model.in_(models),
            jobs.c.state.in_(CLAIMABLE),
            (jobs.c.state != "queued") | jobs.c.model.in_(starting),
        )
        .order_by(jobs.c.lease_until)
        .limit(1)
    )
    parts = [sa.select(part.subquery().c.at) for part in (*first, held)]
    row = await tx.row(sa.select(sa.func.min(sa.union_all(*parts).subquery().c.at).label("at")))
    return None if row is None else row["at"]


async def queued_count(tx: Transaction, account_id: str) -> int:
    """How many of the account's jobs wait in the queue, by the account's own counter."""
    row = await tx.row(sa.select(accounts.c.queued).where(accounts.c.id == account_id))
    return 0 if row is None else int(row["queued"])
