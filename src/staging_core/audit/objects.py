"""I6: results are in the storage as the rows say, and nothing else is."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from staging_core.database import files, tables
from staging_core.database.row import Row
from staging_core.ports import Ports

from .violation import Violation, each

AT_ONCE = 50
"""Results that are looked at together: any number of them takes the same memory."""

KEYS_AT_ONCE = 1_000
"""Keys that rows are looked for together."""


_IMAGES, _JOBS, _FILES = tables.images, tables.jobs, tables.files
_SOME = (
    sa.select(_IMAGES.c.id, _IMAGES.c.staged_key, _FILES.c.etag, _FILES.c.expires_at, _JOBS.c.state)
    .join(_JOBS, _JOBS.c.id == _IMAGES.c.job_id)
    .outerjoin(_FILES, _FILES.c.key == _IMAGES.c.staged_key)
    .where(
        (_JOBS.c.state == "ready") | _IMAGES.c.staged_key.is_not(None),
        _IMAGES.c.deleted_at.is_(None),
        _IMAGES.c.id > sa.bindparam("last", type_=sa.Text),
    )
    .order_by(_IMAGES.c.id)
    .limit(AT_ONCE)
)


async def missing_results(ports: Ports) -> list[Violation]:
    """Ready images whose object is missing or another; results of jobs that are not ready."""
    wrong, last = list[str](), ""
    while rows := await _some(ports, last):
        last = rows[-1]["id"]
        judged = await asyncio.gather(*(_is_wrong(ports, row) for row in rows))
        wrong += [row["id"] for row, is_wrong in zip(rows, judged, strict=True) if is_wrong]
    return each("I6", "A result is missing, another, or of a job that is not ready.", wrong)


async def _some(ports: Ports, last: str) -> list[Row]:
    """Images that have a result, or should have one, in the order of their ids, behind ``last``."""
    async with ports.database.read() as tx:
        return await tx.rows(_SOME, {"last": last})


async def _is_wrong(ports: Ports, row: Row) -> bool:
    if row["state"] != "ready" or row["staged_key"] is None or row["expires_at"] is not None:
        return True
    stored = await ports.storage.stat(row["staged_key"])
    return stored is None or stored.etag != row["etag"]


async def unknown_objects(ports: Ports) -> list[Violation]:
    """Objects of ours, older than the grace time, that no row knows."""
    async with ports.database.read() as tx:
        oldest = tx.now - ports.settings.orphan_grace_s
    old, orphans = list[str](), list[str]()
    for folder in files.FOLDERS:
        async for stored in ports.storage.entries(folder):
            if stored.modified < oldest and files.is_ours(stored.key):
                old.append(stored.key)
            if len(old) == KEYS_AT_ONCE:
                orphans += await _unknown(ports, old)
                old = []
    orphans += await _unknown(ports, old)
    return each("I6", "An object is in the storage that no row knows.", orphans)


async def _unknown(ports: Ports, keys: list[str]) -> list[str]:
    """Those that no row knows, in their order."""
    if not keys:
        return []
    async with ports.database.read() as tx:
        known = await files.known(tx, keys)
    return [key for key in keys if key not in known]
