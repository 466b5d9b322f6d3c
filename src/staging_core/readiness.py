"""Whether an installation can work: its backends answer, and a worker of its own still works."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import sqlalchemy as sa

from .errors import StagingError
from .interfaces import LimitsRates, Signals, supports
from .ports import Ports

log = logging.getLogger("staging_core")

OK = "ok"
_TIME_LIMIT_S = 3.0
_FRESH_S = 1.0  # anybody may ask, so the backends are not asked each time
_NOBODY = "readiness"


class Readiness:
    """Asks the backends, at most once a second however often it is asked.

    ``working``: the installation's own worker, where it has one.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._lock = asyncio.Lock()
        self._asked_at = float("-inf")
        self._told: dict[str, str] = {}
        self.working: asyncio.Task[None] | None = None

    async def checks(self) -> dict[str, str]:
        """``ok`` for each backend, or in a plain phrase what fails, by the setting's name."""
        async with self._lock:
            if time.monotonic() - self._asked_at > _FRESH_S:
                looks = {
                    "database": self._database,
                    "storage": self._storage,
                    "queue": self._queue,
                }
                told = await asyncio.gather(*(_told(*each) for each in looks.items()))
                self._told = dict(zip(looks, told, strict=True))
                self._asked_at = time.monotonic()
        ended = self.working is not None and self.working.done()
        return self._told | ({"worker": "has ended"} if ended else {})

    async def _database(self) -> None:
        async with self._ports.database.read() as tx:
            await tx.row(sa.select(sa.literal(1)))

    async def _storage(self) -> None:
        await self._ports.storage.stat(_NOBODY)

    async def _queue(self) -> None:
        """A harmless use of it, where there is one."""
        queue = self._ports.queue
        if (counter := supports(queue, LimitsRates)) is not None:
            await counter.take(_NOBODY, limit=1, window_s=1.0)
        elif (signals := supports(queue, Signals)) is not None:
            await signals.signal(_NOBODY)


async def _told(name: str, look: Callable[[], Awaitable[None]]) -> str:
    """``ok``, or what is wrong; a driver's words are for the log."""
    try:
        async with asyncio.timeout(_TIME_LIMIT_S):
            await look()
    except TimeoutError:
        return f"did not answer within {_TIME_LIMIT_S:g} s"
    except Exception as error:
        log.warning("not ready: the %s failed", name, exc_info=error)
        return f"failed ({error.code})" if isinstance(error, StagingError) else "failed"
    return OK
