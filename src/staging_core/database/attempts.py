"""Attempts: a row is committed before the model is called.

An attempt is open as ``started`` (asked, no answer yet), ``unknown`` (the answer was lost) or
``waiting`` (a prediction runs). It ends as ``succeeded``, ``failed``, ``cancelled``, ``lost``;
``busy`` and ``released`` ones were certainly not made and are asked for again; ``absent`` and
``presumed_absent`` ones seem not to exist, and are looked for some time longer; ``waste`` is a
prediction that came too late to be of use.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from . import spend
from .engine import Transaction
from .jobs import More
from .prepared import Prepared, placed, places
from .row import Row
from .tables import attempts, gates, jobs

OPEN = frozenset({"started", "unknown", "waiting"})
"""Something may still come of it for its job."""


_ONE = sa.select(attempts).where(attempts.c.id == sa.bindparam("of_id"))
_OF_JOB = attempts.c.job_id == sa.bindparam("of_job")
_IS_OPEN = attempts.c.state.in_([sa.literal(state) for state in sorted(OPEN)])
_OPEN_ONE = sa.select(attempts).where(_OF_JOB, _IS_OPEN).order_by(attempts.c.number.desc()).limit(1)
_SEEN, _ROW = Prepared(_ONE), Prepared(_ONE.with_for_update())
_OPEN_SEEN, _OPEN_ROW = Prepared(_OPEN_ONE), Prepared(_OPEN_ONE.with_for_update())
_OF_GATE = gates.c.name == sa.bindparam("of_gate")
_SHUT_S = sa.select(gates.c.closed_until - sa.bindparam("at", type_=sa.Double())).where(_OF_GATE)
_IN_VAIN = sa.select(gates.c.failures).where(_OF_GATE)
_TO_CHECK = Prepared(
    _OPEN_ONE.add_columns(
        sa.func.coalesce(_SHUT_S.scalar_subquery(), 0.0).label("shut_s"),
        sa.func.coalesce(_IN_VAIN.scalar_subquery(), 0).label("in_vain"),
    )
)
_BEGUN = ("id", "account_id", "job_id", "number", "state", "model", "version", "started_at")
_BEGIN = Prepared(
    sa.insert(attempts).values(places(attempts, [*_BEGUN, "deadline"])).returning(*attempts.c)
)
_END = Prepared(
    sa.update(attempts)
    .where(_OF_JOB, _IS_OPEN)
    .values(places(attempts, ["state", "error", "message", "finished_at"]))
    .returning(*attempts.c)
)
_CHARGE = Prepared(
    sa.update(attempts)
    .where(
        attempts.c.id == sa.bindparam("of_id"),
        attempts.c.cost_usd == sa.bindparam("seen", type_=attempts.c.cost_usd.type),
    )
    .values(places(attempts, ["cost_usd"]))
    .returning(*attempts.c)
)


async def begin(tx: Transaction, job: Row, *, time_limit_s: float, version: str = "") -> Row:
    """The job's next attempt, or again its last one when that was busy or given back unused."""
    values = {
        "state": "started",
        "model": job["model"],
        "version": version,
        "started_at": tx.now,
        "deadline": tx.now + time_limit_s,
    }
    again = await _begin_again(tx, job["id"], values) if job["attempts"] else None
    if again is not None:
        return again
    number = await _last_number(tx, job["id"]) + 1 if job["attempts"] else 1
    named = {"id": uuid4().hex, "account_id": job["account_id"], "job_id": job["id"]}
    begun = await tx.row(_BEGIN, placed({**named, "number": number, **values}))
    assert begun is not None
    return begun


async def _begin_again(tx: Transaction, job_id: str, values: dict[str, Any]) -> Row | None:
    return await tx.row(
        sa.update(attempts)
        .where(attempts.c.job_id == job_id, attempts.c.state.in_(("busy", "released")))
        .values(finished_at=None, error=None, message=None, **values)
        .returning(*attempts.c)
    )


async def _last_number(tx: Transaction, job_id: str) -> int:
    last = sa.func.coalesce(sa.func.max(attempts.c.number), 0).label("last")
    row = await tx.row(sa.select(last).where(attempts.c.job_id == job_id))
    assert row is not None
    return int(row["last"])


async def end(
    tx: Transaction,
    job_id: str,
    state: str,
    *,
    error: str | None = None,
    message: str | None = None,
) -> list[Row]:
    """Close the job's open attempt; its row, if there was one."""
    values = {"state": state, "error": error, "message": message, "finished_at": tx.now}
    return await tx.rows(_END, {"of_job": job_id, **placed(values)})


async def begin_unasked(tx: Transaction, twin: Row, handle: str) -> Row:
    """A second prediction of an attempt, which nobody asked for: waste, and it counts as one."""
    last = sa.select(sa.func.max(attempts.c.number)).where(attempts.c.job_id == twin["job_id"])
    kept = ("account_id", "job_id", "model", "version", "deadline", "started_at")
    counted = ("spent_on", "spent_in")
    row = await tx.row(
        sa.insert(attempts)
        .values(
            id=uuid4().hex,
            number=last.scalar_subquery() + 1,
            state="waste",
            handle=handle,
            finished_at=tx.now,
            **{name: twin[name] for name in (*kept, *counted)},
        )
        .returning(*attempts.c)
    )
    assert row is not None
    return row


async def write(tx: Transaction, attempt_id: str, **values: object) -> None:
    """As ``change``; nobody waits for it."""
    await tx.also(_changing(tuple(values)), {"of_id": attempt_id, **placed(values)})


async def change(tx: Transaction, attempt_id: str, **values: object) -> Row:
    """Write ``values`` into one attempt; the row as it is now."""
    row = await tx.row(_changing(tuple(values)), {"of_id": attempt_id, **placed(values)})
    assert row is not None
    return row


@lru_cache(maxsize=64)
def _changing(names: tuple[str, ...]) -> Prepared:
    changed = sa.update(attempts).where(attempts.c.id == sa.bindparam("of_id"))
    return Prepared(changed.values(places(attempts, names)).returning(*attempts.c))


async def book(tx: Transaction, attempt_id: str, cost_usd: float) -> None:
    """What the attempt costs at the provider, as known now; its job is charged the difference."""
    before = await row(tx, attempt_id)
    if before is None:
        return
    spend.settle(tx, before, cost_usd)
    if before["cost_usd"] == cost_usd:
        return
    await change(tx, attempt_id, cost_usd=cost_usd)
    await tx.execute(
        sa.update(jobs)
        .where(jobs.c.id == before["job_id"])
        .values(cost_usd=jobs.c.cost_usd + (cost_usd - before["cost_usd"]))
    )


async def charge(tx: Transaction, attempt: Row, cost_usd: float) -> dict[str, Any]:
    """As ``book``, of an attempt whose row was seen; what its job's row is to be charged with."""
    if attempt["cost_usd"] == cost_usd:
        return {}
    seen = {"of_id": attempt["id"], "seen": attempt["cost_usd"], "to_cost_usd": cost_usd}
    booked = await tx.row(_CHARGE, seen)
    if booked is None:  # somebody has booked meanwhile
        await book(tx, attempt["id"], cost_usd)
        return {}
    spend.settle(tx, booked, cost_usd)
    return {"cost_usd": More(cost_usd - attempt["cost_usd"])}


async def row(tx: Transaction, attempt_id: str) -> Row | None:
    """One attempt, locked until the commit where the database can."""
    return await tx.row(_ROW, {"of_id": attempt_id})


async def seen(tx: Transaction, attempt_id: str) -> Row | None:
    """One attempt as it is now; it may change at any moment."""
    return await tx.row(_SEEN, {"of_id": attempt_id})


async def open_of(tx: Transaction, job_id: str) -> Row | None:
    """The job's open attempt, locked as by ``row``."""
    return await tx.row(_OPEN_ROW, {"of_job": job_id})


async def open_seen(tx: Transaction, job_id: str) -> Row | None:
    """The job's open attempt as by ``seen``."""
    return await tx.row(_OPEN_SEEN, {"of_job": job_id})


async def to_check(tx: Transaction, job_id: str, *, gate: str) -> Row | None:
    """As ``open_seen``; ``shut_s``: for how long its provider is to be asked nothing.

    Not above 0: it may be asked. ``in_vain``: how many questions in a row it has not answered.
    ``gate``: see ``gates.of_reads``.
    """
    return await tx.row(_TO_CHECK, {"of_job": job_id, "of_gate": gate, "at": tx.now})


async def of_handle(tx: Transaction, models: list[str], handle: str) -> Row | None:
    """The attempt of one of ``models`` whose prediction has that handle, locked as by ``row``."""
    return await tx.row(_of_handle(tuple(sorted(models))), {"of_handle": handle})


@lru_cache(maxsize=64)
def _of_handle(models: tuple[str, ...]) -> Prepared:
    named = attempts.c.model.in_([sa.literal(name) for name in models])
    one = sa.select(attempts).where(attempts.c.handle == sa.bindparam("of_handle"), named)
    return Prepared(one.limit(1).with_for_update())


async def to_look_for(tx: Transaction, models: list[str], *, limit: int = 50) -> list[Row]:
    """Attempts of ``models`` that were given up, and whose time to be looked for has come."""
    return await tx.rows(
        sa.select(attempts)
        .where(attempts.c.look_at <= tx.now, attempts.c.model.in_(models))
        .order_by(attempts.c.look_at)
        .limit(limit)
    )


async def of_job(tx: Transaction, account_id: str, job_id: str) -> list[Row]:
    """The job's attempts in order."""
    return await tx.rows(
        sa.select(attempts)
        .where(attempts.c.account_id == account_id, attempts.c.job_id == job_id)
        .order_by(attempts.c.number)
    )


async def any_looked_for(tx: Transaction, account_id: str) -> bool:
    """Whether a prediction of the account may still turn up that its job does without."""
    its = sa.select(attempts.c.id).where(
        attempts.c.account_id == account_id, attempts.c.look_at.is_not(None)
    )
    return await tx.row(its.limit(1)) is not None
