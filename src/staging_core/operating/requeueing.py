"""A job made anew under an operator's idempotency key."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from staging_core.creation import Creation, creating
from staging_core.models import Actor, Job
from staging_core.ports import Ports

_ROUTE = "jobs.requeue"


@asynccontextmanager
async def requeueing(
    ports: Ports, actor: Actor, dead: Job, key: str | None
) -> AsyncIterator[Creation]:
    """Around the call that takes the place of ``dead``; see ``creating``.

    The key is the operator's, and the job another account's. So the key itself only says that this
    is a repeat, and not another call; one made of it is kept in the job's account, with the job.
    """
    own = actor.account_id or dead.account_id
    async with (
        creating(ports, own, key, route=_ROUTE, asked=[dead.id]) as call,
        creating(
            ports, dead.account_id, _key_of(own, key), route=_ROUTE, asked=[dead.id]
        ) as creation,
    ):
        yield creation
        if call.is_open:
            async with ports.database.write(own) as tx:
                await call.keep(tx, [])


def _key_of(own: str, key: str | None) -> str | None:
    return None if key is None else hashlib.sha256(f"{_ROUTE} {own} {key}".encode()).hexdigest()
