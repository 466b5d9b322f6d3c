"""Deleting images: hidden in one transaction, cleared in the next; sweeps clear what was left."""

from __future__ import annotations

import logging
from contextlib import suppress

from .database import deletions, jobs
from .database.engine import Transaction
from .database.row import Row
from .errors import AlreadyFinal, DatabaseFailed
from .models import TERMINAL
from .ports import Ports
from .settlement import cancel_job

log = logging.getLogger("staging_core")

_AT_ONCE = 100


async def delete_image(ports: Ports, account_id: str, image_id: str) -> None:
    """Hide the image, cancel its job, and give up its objects; ``NotFound``."""
    async with ports.database.write(account_id) as tx:
        await deletions.hide(tx, account_id, image_id)
        row = await deletions.is_uncleared(tx, image_id)
    if row is not None:
        await clear_image(ports, row)


async def clear_deleted(
    ports: Ports, account_id: str | None = None, project_id: str | None = None
) -> int:
    """Cancel the jobs of deleted images and give up their objects; how many images."""
    async with ports.database.read(account_id) as tx:
        rows = await deletions.uncleared(tx, project_id=project_id, limit=_AT_ONCE)
    return sum([await clear_image(ports, row) for row in rows])


async def clear_image(ports: Ports, row: Row) -> bool:
    """Clear one; it is deleted already, so what fails here is left to the next sweep."""
    try:
        await ports.database.transact(row["account_id"], lambda tx: _clear(tx, row))
    except DatabaseFailed:
        log.info("image %s is not cleared yet", row["id"], exc_info=True)
        return False
    return True


async def _clear(tx: Transaction, row: Row) -> None:
    await _cancel(tx, row)
    await deletions.clear(tx, row["id"])


async def _cancel(tx: Transaction, row: Row) -> None:
    job = await jobs.seen(tx, row["job_id"])
    if job["state"] not in TERMINAL:
        with suppress(AlreadyFinal):  # a moment ago
            await cancel_job(tx, row["account_id"], row["job_id"])
