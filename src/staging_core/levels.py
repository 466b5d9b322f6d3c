"""How high things stand: told by every process, so that it is told where nobody works too.

Each asks the database anew, and says nothing while that does not answer. So no process goes on
telling what it knew when it last did anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

from .database import deliveries, gates, levels
from .interfaces import Forgets, supports
from .ports import Ports
from .telemetry import tells_figures

log = logging.getLogger("staging_core")

EVERY_S = 10.0
_NAMES = (
    "staging.queue.depth",
    "staging.queue.age",
    "staging.jobs.in_flight",
    "staging.webhooks.age",
    "staging.gates.closed",
)


@asynccontextmanager
async def telling_levels(ports: Ports) -> AsyncIterator[None]:
    """Tell them while the block runs, every ten seconds, where anybody wants to know."""
    if not tells_figures(ports.telemetry):
        yield
        return
    telling = asyncio.create_task(_tell_forever(ports))
    try:
        yield
    finally:
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling


async def _tell_forever(ports: Ports) -> None:
    while True:
        await tell_levels(ports)
        await asyncio.sleep(EVERY_S)


async def tell_levels(ports: Ports) -> None:
    """Tell them once, or take back what was told when they cannot be known."""
    _tell_connections(ports)
    try:
        async with asyncio.timeout(EVERY_S):
            found = await _found(ports)
    except Exception:  # whatever it is, an old figure would be a wrong one, and the next look comes
        log.warning("how high the queue stands is not known", exc_info=True)
        forgets = supports(ports.telemetry, Forgets)
        if forgets is not None:
            for name in _NAMES:
                forgets.forget(name)
        return
    for name, value in zip(_NAMES, found, strict=True):
        ports.telemetry.level(name, value)


async def _found(ports: Ports) -> tuple[float, ...]:
    """In the order of the names."""
    async with ports.database.read() as tx:
        queue = await levels.read(tx)
        due_at = await deliveries.next_due(tx)
        late_s = 0.0 if due_at is None else max(0.0, tx.now - due_at)
        closed = len(await gates.closed(tx))
    return queue.queued, queue.oldest_s, queue.in_flight, late_s, closed


def _tell_connections(ports: Ports) -> None:
    pool = ports.database.engine.pool
    if isinstance(pool, sa.AsyncAdaptedQueuePool):
        ports.telemetry.level("staging.database.connections", pool.checkedout())
