"""Which job is next: accounts take turns, and no query counts or sorts the whole queue.

A job at work or at a provider that is due, or that a dead worker left, goes before any new one.
New ones come from the account whose turn it is by the weight of its plan, see ``turns``: nobody
starves. Every lookup is by an index, so that it costs the same with a long queue and a long
history.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import sqlalchemy as sa

from staging_core.states import ACTIVE, check_move

from . import turns
from .engine import Transaction
from .events import draft
from .prepared import Prepared
from .row import Row
from .tables import accounts, jobs

CLAIMABLE: frozenset[str] = frozenset({"queued"}) | ACTIVE
"""States in which a job wants a worker as soon as it is due and nobody holds it."""

_AT_ONCE = 16
"""Jobs that are looked at together: rivals that claim at the same moment each find one."""

_ACCOUNTS = 50


_AT: sa.BindParameter[float] = sa.bindparam("at", type_=sa.Double())
_UNTIL: sa.BindParameter[float] = sa.bindparam("until", type_=sa.Double())
# As an expression, the column is looked at and never looked up: SQLite, which has no statistics of
# a young database, would take an index of nearly all rows for a small one.
_NOT_HELD = sa.func.coalesce(jobs.c.lease_until, 0.0) <= _AT
_FREE = (jobs.c.due_at <= _AT) & _NOT_HELD
_SEEN = (jobs.c.id, jobs.c.fence, jobs.c.lease_until)
Names = tuple[str, ...]


class Claimed(NamedTuple):
    """A job that is ours from now on. ``begun``: it was queued until now.

    ``more``: there were others that could be claimed too. ``left_at``: until when it was held by
    somebody who did not give it back, in Unix seconds; 0: nobody left it.
    """

    job: Row
    more: bool
    begun: bool
    left_at: float = 0.0


async def claim_begun(
    tx: Transaction, *, models: Collection[str], lease_s: float
) -> Claimed | None:
    """Take the oldest due job of ``models`` at work, or at a provider, that nobody holds.

    The row carries the new fence. One that a dead worker left is taken like one that waited.
    """
    if not models:
        return None
    found = await tx.rows(_oldest(_sorted(models), _sorted(ACTIVE)), {"at": tx.now})
    return await _take(tx, _TAKE, found, lease_s)


async def claim_new(
    tx: Transaction, *, models: Collection[str], lease_s: float, most: int
) -> Claimed | None:
    """Take a due queued job of ``models``, of the account whose turn it is; it is begun.

    The row carries the new fence, and is ``preparing``. ``most``: jobs of one account that may be
    at work, or at a provider, at a time; claims at the same moment may go over it by one each.
    """
    names, at = _sorted(models), {"at": tx.now}
    waiting = await tx.rows(_turns(names), {**at, "most": most}) if names else []
    turn_from = turns.least(waiting)
    for account in waiting:
        found = await tx.rows(_oldest_of_account(names), {**at, "account": account["id"]})
        taken = await _take(tx, _BEGIN, found, lease_s)
        if taken is not None:
            return _begun(tx, taken._replace(more=taken.more or len(waiting) > 1), turn_from)
    return None


async def claim_this(
    tx: Transaction,
    job_id: str,
    *,
    models: Collection[str],
    starting: Collection[str],
    lease_s: float,
    most: int,
) -> Claimed | None:
    """Take this job of ``models``, if it is due and free; a queued one is begun.

    ``starting``: those of ``models`` whose queued jobs may be started now.
    """
    wanted = {"job": job_id, "most": most}
    row = await tx.row(_this(_sorted(models), _sorted(starting)), wanted)
    if row is None:
        return None
    queued = row["state"] == "queued"
    taken = await _take(tx, _BEGIN if queued else _TAKE, [row], lease_s)
    return _begun(tx, taken) if taken is not None and taken.begun else taken


def _begun(tx: Transaction, taken: Claimed, turn_from: int = 0) -> Claimed:
    tx.tell(draft(taken.job, "preparing", was="queued", turn_from=turn_from))
    return taken


async def _take(
    tx: Transaction, how: Prepared, found: Sequence[Row], lease_s: float
) -> Claimed | None:
    """The first of the found jobs that is still free, ours from now on."""
    if not found:
        return None
    ids = [row["id"] for row in found[:_AT_ONCE]]
    ids += [ids[-1]] * (_AT_ONCE - len(ids))
    places = {f"found_{n}": job_id for n, job_id in enumerate(ids)}
    job = await tx.row(how, {"at": tx.now, "until": tx.now + lease_s, **places})
    if job is None:
        return None
    seen = next(row for row in found if row["id"] == job["id"])
    # With another fence somebody held it in between, and has seen to it.
    left_at = seen["lease_until"] if job["fence"] == seen["fence"] + 1 else 0.0
    return Claimed(job, more=len(found) > 1, begun=how is _BEGIN, left_at=left_at)


async def due(tx: Transaction, *, limit: int = 500) -> list[Row]:
    """Jobs (``id``, ``lane``) that want a worker now, oldest first."""
    return await tx.rows(_due(limit), {"at": tx.now})


async def next_due(
    tx: Transaction, models: Collection[str], *, starting: Collection[str]
) -> float | None:
    """When the next job of ``models`` wants a worker (Unix seconds); None when there is none.

    Queued jobs count only where their model is in ``starting``.
    """
    if not models and not starting:
        return None
    every = _sorted({*models, *starting})
    begun = {f"begun_{n}": name in models for n, name in enumerate(every)}
    queued = {f"queued_{n}": name in starting for n, name in enumerate(every)}
    row = await tx.row(_next_due(every), {"at": tx.now, **begun, **queued})
    return None if row is None else row["at"]


async def queued_count(tx: Transaction, account_id: str) -> int:
    """How many of the account's jobs wait in the queue, by the account's own counter."""
    row = await tx.row(sa.select(accounts.c.queued).where(accounts.c.id == account_id))
    return 0 if row is None else int(row["queued"])


# --- statements -----------------------------------------------------------------------------------
# Built once for each choice of models: building them costs more than running them.


def _sorted(names: Collection[str]) -> Names:
    return tuple(sorted(names))


def _taking(states: Collection[str], **values: Any) -> Prepared:
    """The oldest free one of those found gets a lease; rows that rivals hold are passed over."""
    free = (
        sa.select(jobs.c.id)
        .where(
            jobs.c.id.in_([sa.bindparam(f"found_{n}") for n in range(_AT_ONCE)]),
            sa.func.coalesce(jobs.c.state, "").in_([sa.literal(state) for state in states]),
            sa.func.coalesce(jobs.c.due_at, 0.0) <= _AT,
            _NOT_HELD,
        )
        .order_by(jobs.c.due_at, jobs.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return Prepared(
        sa.update(jobs)
        .where(jobs.c.id == free.scalar_subquery())
        .values(fence=jobs.c.fence + 1, lease_until=_UNTIL, **values)
        .returning(*jobs.c)
    )


check_move("queued", "preparing")
_TAKE = _taking(sorted(ACTIVE))
_BEGIN = _taking(["queued"], state="preparing", seq=jobs.c.seq + 1, updated_at=_AT)


@lru_cache(maxsize=64)
def _this(models: Names, starting: Names) -> Prepared:
    has_room = sa.exists().where(
        accounts.c.id == jobs.c.account_id, accounts.c.in_flight < sa.bindparam("most")
    )
    started = (jobs.c.state != "queued") | (_one_of(jobs.c.model, starting) & has_room)
    wanted = jobs.c.id == sa.bindparam("job")
    ours = _one_of(jobs.c.model, models)
    return Prepared(sa.select(*_SEEN, jobs.c.state).where(wanted, ours, started))


@lru_cache(maxsize=64)
def _oldest(models: Names, states: Names, *only: sa.ColumnElement[bool]) -> Prepared:
    """Due jobs that nobody holds, the oldest first, of all models and states.

    One index range each: a queue of jobs that may not start now stands in nobody's way.
    """
    parts = [
        sa.select(*_SEEN, jobs.c.due_at)
        .where(jobs.c.model == model, jobs.c.state == state, _FREE, *only)
        .order_by(jobs.c.due_at)
        .limit(_AT_ONCE)
        for model, state in product(models, states)
    ]
    found = _united(parts)
    seen = [found.c[column.name] for column in _SEEN]
    return Prepared(sa.select(*seen).order_by(found.c.due_at, found.c.id).limit(_AT_ONCE))


@lru_cache(maxsize=64)
def _oldest_of_account(models: Names) -> Prepared:
    return _oldest(models, ("queued",), jobs.c.account_id == sa.bindparam("account"))


def _one_of(column: sa.Column[str], names: Names) -> sa.ColumnElement[bool]:
    """``IN`` whose names are part of the statement; none of them is never one."""
    return column.in_([sa.literal(name) for name in names]) if names else sa.false()


def _united(parts: Sequence[sa.Select[Any]]) -> sa.Subquery:
    """All rows of the parts, each with an order and a limit of its own."""
    return sa.union_all(*(sa.select(part.subquery()) for part in parts)).subquery()


@lru_cache(maxsize=64)
def _turns(starting: Names) -> Prepared:
    """Accounts that have a job to start now, in the order of their turns."""
    mine = jobs.c.account_id == accounts.c.id
    # With a limit, no planner makes a join of it that reads the whole queue.
    ready = [
        sa.select(jobs.c.id)
        .where(mine, jobs.c.model == model, jobs.c.state == "queued", _FREE)
        .limit(1)
        .scalar_subquery()
        .is_not(None)
        for model in starting
    ]
    return Prepared(
        sa.select(accounts.c.id, accounts.c.turn)
        .where(accounts.c.queued > 0, accounts.c.in_flight < sa.bindparam("most"), sa.or_(*ready))
        .order_by(accounts.c.turn, accounts.c.id)
        .limit(_ACCOUNTS)
    )


@lru_cache(maxsize=8)
def _due(limit: int) -> Prepared:
    parts = [
        sa.select(jobs.c.id, jobs.c.lane, jobs.c.due_at)
        .where(jobs.c.state == state, _FREE)
        .order_by(jobs.c.due_at)
        .limit(limit)
        for state in sorted(CLAIMABLE)
    ]
    found = _united(parts)
    return Prepared(sa.select(found.c.id, found.c.lane).order_by(found.c.due_at).limit(limit))


def _counts(state: str, number: int) -> sa.BindParameter[bool]:
    kind = "queued" if state == "queued" else "begun"
    return sa.bindparam(f"{kind}_{number}", type_=sa.Boolean())


@lru_cache(maxsize=64)
def _next_due(models: Names) -> Prepared:
    """Which of them count is told by parameters: gates open and shut, statements stay."""
    wanted = [
        (model, state, _counts(state, number))
        for number, model in enumerate(models)
        for state in sorted(CLAIMABLE)
    ]
    waiting = [
        sa.select(jobs.c.due_at.label("at"))
        .where(counts, jobs.c.model == model, jobs.c.state == state, _NOT_HELD)
        .order_by(jobs.c.due_at)
        .limit(1)
        for model, state, counts in wanted
    ]
    held = [
        sa.select(jobs.c.lease_until.label("at"))
        .where(counts, jobs.c.model == model, jobs.c.state == state, jobs.c.lease_until > _AT)
        .order_by(jobs.c.lease_until)
        .limit(1)
        for model, state, counts in wanted
    ]
    return Prepared(sa.select(sa.func.min(_united([*waiting, *held]).c.at).label("at")))
