"""A prediction becomes known, in time or late: its job is woken, takes it up, or it is waste."""

from __future__ import annotations

import logging

from .database import attempts, jobs, outbox
from .database.engine import Transaction
from .database.row import Row
from .models import Wake

log = logging.getLogger("staging_core")

FIRST_LOOK_S = 15.0
"""Seconds from giving up to the first look."""

ADOPTING = frozenset({"queued", "preparing"})
"""States in which a job has not yet gone on to ask for another prediction."""


async def land(tx: Transaction, attempt: Row, handle: str) -> Wake | None:
    """The provider knows ``attempt`` (a locked row) as ``handle``; whom to nudge for it.

    Whatever its job does by now, the handle is recorded: no prediction stays unknown. One beside
    the prediction that the attempt has already is waste.
    """
    if attempt["handle"] not in (None, handle):
        await land_twice(tx, attempt, handle)
        return None
    news = attempt["handle"] is None
    if news:
        await attempts.change(tx, attempt["id"], handle=handle, look_at=None)
    if attempt["state"] in attempts.OPEN:
        return _nudge(await jobs.wake(tx, attempt["job_id"]))
    if not news:
        return None
    if adopted := await _adopt(tx, attempt):
        return adopted
    await attempts.change(tx, attempt["id"], state="waste", finished_at=tx.now)
    await cancel_later(tx, attempt, handle)
    return None


async def land_twice(tx: Transaction, attempt: Row, handle: str) -> None:
    """The provider, or a gateway before it, made a second one of ``attempt``: it is waste."""
    if await attempts.of_handle(tx, [attempt["model"]], handle) is not None:
        return
    log.error("attempt %s has a second prediction, %s", attempt["id"], handle)
    await cancel_later(tx, await attempts.begin_unasked(tx, attempt, handle), handle)


async def _adopt(tx: Transaction, attempt: Row) -> Wake | None:
    """The job goes on with a prediction that it had given up; its fence turns others away."""
    job = await jobs.row(tx, attempt["job_id"])
    if job["state"] not in ADOPTING or job["checkpoint"] is not None:
        return None
    if await attempts.open_of(tx, job["id"]) is not None:
        return None
    values = {"state": "waiting", "finished_at": None, "error": None, "message": None}
    await attempts.change(tx, attempt["id"], **values)
    job = await jobs.move(
        tx,
        job,
        "waiting",
        told={"reason": "found_late", "attempt": attempt["number"]},
        model=attempt["model"],
        fence=job["fence"] + 1,
        due_at=tx.now,
    )
    return _nudge(job)


async def cancel_later(tx: Transaction, attempt: Row, handle: str) -> None:
    """Nobody wants the prediction any more: a sweep cancels it and books what it cost."""
    payload = {"attempt_id": attempt["id"], "model": attempt["model"], "handle": handle}
    await outbox.post(tx, attempt["account_id"], "cancel_prediction", payload)


async def look_later(tx: Transaction, attempt: Row) -> None:
    """The attempt is given up, but may exist: a sweep goes on looking for it."""
    await attempts.change(tx, attempt["id"], look_at=tx.now + FIRST_LOOK_S, looks=0)


def _nudge(job: Row | None) -> Wake | None:
    return None if job is None else Wake(job_id=job["id"], lane=job["lane"])
