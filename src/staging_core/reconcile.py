"""Comparing images with the storage: what is certainly gone is marked, what is unknown never is."""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

import msgspec

from .database import accounts, audit_log, deletions, image_search, jobs, ledger
from .database.row import Row
from .errors import AlreadyFinal, NotFound, ObjectMissing
from .models import Actor, JobStatus, Reconciled
from .ports import Ports
from .settlement import end_job

log = logging.getLogger("staging_core")

_AT_ONCE = 16
_LOOK_S = 30.0
_EXAMPLES = 20

Seen = Literal["there", "missing", "unknown"]


class _Look(msgspec.Struct, frozen=True):
    """What the storage says of an image."""

    row: Row
    original: Seen
    staged: Seen


async def reconcile(
    ports: Ports,
    actor: Actor,
    *,
    dry_run: bool,
    limit: int,
    project_id: str | None = None,
    status: JobStatus | None = None,
    after: str | None = None,
) -> Reconciled:
    """Look for the objects of at most ``limit`` images, in the order of their ids.

    An image that is ready and whose staged picture is gone is marked as failed
    (``object_missing``), unless ``dry_run``; what it took is given back, and it can be retried
    then. A missing original is only told. Where the storage does not answer, or does not allow to
    look, nothing is marked.
    """
    async with ports.database.read() as tx:
        rows = await image_search.page(
            tx, project_id=project_id, status=status, after=after, limit=limit
        )
    turns = asyncio.Semaphore(_AT_ONCE)
    looks = await asyncio.gather(*(_look(ports, row, turns) for row in rows))
    gone = [look for look in looks if look.staged == "missing"]
    updated = 0 if dry_run else sum([await _mark(ports, actor, look.row) for look in gone])
    missing = [look for look in looks if "missing" in (look.original, look.staged)]
    return Reconciled(
        dry_run=dry_run,
        checked=len(looks),
        missing_original=sum(look.original == "missing" for look in looks),
        missing_staged=len(gone),
        cannot_tell=sum("unknown" in (look.original, look.staged) for look in looks),
        updated=updated,
        examples=tuple(look.row["id"] for look in missing[:_EXAMPLES]),
        after=rows[-1]["id"] if len(rows) == limit else None,
    )


async def _look(ports: Ports, row: Row, turns: asyncio.Semaphore) -> _Look:
    async with turns:
        original = await _seen(ports, row["original_key"])
        is_ready = row["state"] == "ready"
        staged = await _seen(ports, row["staged_key"]) if is_ready else "there"
    return _Look(row, original, staged)


async def _seen(ports: Ports, key: str | None) -> Seen:
    if key is None:
        return "missing"
    try:
        async with asyncio.timeout(_LOOK_S):
            stored = await ports.storage.stat(key)
    except Exception:  # whatever it is, the object may be there
        log.info("nobody can tell whether %s is there", key, exc_info=True)
        return "unknown"
    return "missing" if stored is None else "there"


async def _mark(ports: Ports, actor: Actor, row: Row) -> bool:
    """A new job for the image, which fails at once: a job that has ended never moves again.

    What the lost picture took is given back; the new job takes nothing. False when the image has
    another job by now, or is deleted.
    """
    model, account_id = row["model"], row["account_id"]
    stager = ports.stagers.get(model)
    lane = "default" if stager is None else stager.card.lane  # nobody waits for it there
    try:
        async with ports.database.write(account_id) as tx:
            image = await deletions.unstage(tx, row["id"], row["job_id"])
            told = {"reconciled_by": actor.user_id}
            job_id = await jobs.repeat(tx, image, lane=lane, model=model, told=told)
            error = ObjectMissing("The staged picture is gone from the storage.")
            await end_job(tx, await jobs.seen(tx, job_id), error)
            await accounts.hold(tx, account_id)
            await ledger.give_back(tx, await jobs.seen(tx, row["job_id"]))
            await audit_log.add(
                tx,
                "image.reconciled",
                actor,
                target=row["id"],
                account_id=account_id,
                before={"job_id": row["job_id"], "state": "ready"},
                after={"job_id": job_id, "state": "error", "error": error.code},
            )
    except (AlreadyFinal, NotFound):
        return False
    return True
