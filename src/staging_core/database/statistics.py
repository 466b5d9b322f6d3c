"""How the installation stands: what is open, and what ended lately; no query counts all jobs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.models import TERMINAL, ModelStatistics, Statistics, StoredStatistics
from staging_core.states import MOVES

from . import levels
from .claims import CLAIMABLE
from .engine import Transaction
from .row import Row
from .tables import jobs, measures
from .upsert import insert_or

WINDOW_S = 86_400.0
STUCK_S = 60.0
"""A job is stuck that has been due for so long, and nobody took it."""

_MOST_ENDED = 50_000
_MOST_OPEN = 100_000
_MOST_STUCK = 1_000
_STORAGE = "storage"
_OPEN = sorted(set(MOVES) - TERMINAL)


async def read(tx: Transaction) -> Statistics:
    """As it stands now; what ended is counted for a day, at most the newest 50,000 jobs."""
    seen = await levels.read(tx)
    ended = await _ended(tx)
    since = ended.pop("since")
    hours = max(tx.now - since, 60.0) / 3600
    return Statistics(
        open=await _open(tx),
        oldest_queued_s=seen.oldest_s,
        oldest_open_s=await _oldest_open(tx),
        stuck=await _count(tx, is_stuck(tx.now), _MOST_STUCK),
        since=since,
        per_hour=round(ended["ended"].get("ready", 0) / hours, 3),
        storage=await storage(tx),
        **ended,
    )


def is_stuck(now: float) -> sa.ColumnElement[bool]:
    """Whether a job is due for a while, and held by nobody."""
    return sa.and_(
        jobs.c.state.in_(sorted(CLAIMABLE)),
        jobs.c.due_at <= now - STUCK_S,
        jobs.c.lease_until <= now,
    )


async def _open(tx: Transaction) -> dict[str, int]:
    return {state: await _count(tx, jobs.c.state == state, _MOST_OPEN) for state in _OPEN}


async def _count(tx: Transaction, which: sa.ColumnElement[bool], most: int) -> int:
    some = sa.select(jobs.c.id).where(which).limit(most).subquery()
    row = await tx.row(sa.select(sa.func.count().label("n")).select_from(some))
    return 0 if row is None else int(row["n"])


async def _oldest_open(tx: Transaction) -> float:
    some = sa.select(jobs.c.created_at).where(jobs.c.state.in_(_OPEN)).limit(_MOST_OPEN).subquery()
    row = await tx.row(sa.select(sa.func.min(some.c.created_at).label("oldest")))
    oldest = None if row is None else row["oldest"]
    return 0.0 if oldest is None else max(0.0, tx.now - float(oldest))


async def _ended(tx: Transaction) -> dict[str, Any]:
    """What ended within the window: one pass over its rows, by model, state and error."""
    some = (
        sa.select(
            jobs.c.model,
            jobs.c.state,
            jobs.c.error,
            jobs.c.cost_usd,
            jobs.c.finished_at,
            (jobs.c.finished_at - jobs.c.created_at).label("seconds"),
        )
        .where(jobs.c.finished_at > tx.now - WINDOW_S)
        .order_by(jobs.c.finished_at.desc())
        .limit(_MOST_ENDED)
        .subquery()
    )
    rows = await tx.rows(
        sa.select(
            some.c.model,
            some.c.state,
            some.c.error,
            sa.func.count().label("n"),
            sa.func.sum(some.c.cost_usd).label("cost_usd"),
            sa.func.sum(some.c.seconds).label("seconds"),
            sa.func.max(some.c.seconds).label("longest_s"),
            sa.func.min(some.c.finished_at).label("since"),
        ).group_by(some.c.model, some.c.state, some.c.error)
    )
    whole = sum(row["n"] for row in rows) < _MOST_ENDED
    return {
        "since": tx.now - WINDOW_S if whole else min(row["since"] for row in rows),
        "ended": _totals(rows, "state"),
        "failures": _totals([row for row in rows if row["state"] == "error"], "error"),
        "models": tuple(_model(name, rows) for name in sorted({row["model"] for row in rows})),
    }


def _totals(rows: list[Row], by: str) -> dict[str, int]:
    totals: dict[str, int] = {}
    for row in rows:
        totals[row[by]] = totals.get(row[by], 0) + row["n"]
    return dict(sorted(totals.items()))


def _model(name: str, rows: list[Row]) -> ModelStatistics:
    its = [row for row in rows if row["model"] == name]
    ready = [row for row in its if row["state"] == "ready"]
    count = sum(row["n"] for row in ready)
    return ModelStatistics(
        model=name,
        ready=count,
        failed=sum(row["n"] for row in its if row["state"] == "error"),
        cost_usd=round(sum(row["cost_usd"] for row in its), 6),
        average_s=round(sum(row["seconds"] for row in ready) / count, 3) if count else 0.0,
        longest_s=round(max((row["longest_s"] for row in ready), default=0.0), 3),
    )


# --- what is in the storage -----------------------------------------------------------------------


async def measured(tx: Transaction, objects: dict[str, int], sizes: dict[str, int]) -> None:
    """Somebody has gone through the storage, and this is what is in it, by folder."""
    values = {"value": {"objects": objects, "bytes": sizes}, "measured_at": tx.now}
    statement = insert_or(tx.connection, measures).values(name=_STORAGE, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


async def storage(tx: Transaction) -> StoredStatistics | None:
    """What was in the storage when it was last gone through."""
    row = await tx.row(sa.select(measures).where(measures.c.name == _STORAGE))
    if row is None:
        return None
    return StoredStatistics(measured_at=row["measured_at"], **row["value"])
