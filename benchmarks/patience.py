"""Waiting for jobs to get somewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import sqlalchemy as sa

from staging_core import OWNER, Staging
from staging_core.database.tables import jobs

_STUCK_S = 120.0


async def jobs_in(staging: Staging, state: str) -> int:
    """How many of the owner's jobs are in a state."""
    query = sa.select(sa.func.count().label("n")).where(jobs.c.state == state)
    async with staging.ports.database.read(OWNER.account_id) as tx:
        row = await tx.row(query)
    return 0 if row is None else int(row["n"])


async def until(counted: Callable[[], Awaitable[int]], n: int) -> None:
    """Until there are so many; ``TimeoutError`` when none came for two minutes."""
    reached, since = -1, time.monotonic()
    while reached < n:
        found = await counted()
        if found != reached:
            reached, since = found, time.monotonic()
        if time.monotonic() - since > _STUCK_S:
            raise TimeoutError(f"{reached} of {n} jobs got there.")
        await asyncio.sleep(0.1)
