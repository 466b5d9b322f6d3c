"""The queue in Redis: ``Queue`` and all capabilities beside it in one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from staging_core.interfaces.queue import Handler
from staging_core.models import Allowance, Wake

from .address import RedisAddress
from .connection import connected, freed
from .lanes import MOST_HELD, Keys, message
from .later import Later
from .rates import Rates
from .signals import Subscription

_POKE_S = 2.0


class TaskiqQueue:
    """Wakes, signals and rates of all processes that name the same Redis and prefix."""

    def __init__(self, address: RedisAddress, clock: Callable[[], float]) -> None:
        self._address = address
        self._keys = Keys(address.prefix)
        self._redis = connected(address)
        self._later = Later(self._redis, self._keys, clock)
        self._subscription = Subscription(self._redis, self._keys.signals)
        self._rates = Rates(self._redis, self._keys)

    async def poke(self, wake: Wake) -> None:
        """See ``Queue.poke``. Raises within seconds when Redis is away."""
        stream = self._keys.stream(wake.lane)
        data = message(wake, stream)
        async with asyncio.timeout(_POKE_S):
            if self._later.is_due(wake):
                await self._redis.xadd(stream, {b"data": data}, maxlen=MOST_HELD)
            else:
                await self._later.hold(wake, data)

    async def consume(self, handler: Handler, *, lanes: frozenset[str], concurrency: int) -> None:
        """See ``Consumes.consume``. Cancelling a second time cancels the running handlers too."""
        from .broker import WakeBroker
        from .consumer import Consumer

        broker = WakeBroker(self._address, map(self._keys.stream, sorted(lanes)))
        try:
            await Consumer(broker, self._later, self._keys, handler).consume(lanes, concurrency)
        finally:
            await broker.shutdown()

    async def signal(self, topic: str) -> None:
        """See ``Signals.signal``. Raises within seconds when Redis is away."""
        async with asyncio.timeout(_POKE_S):
            await self._subscription.signal(topic)

    def listen(self, topic: str) -> AsyncIterator[None]:
        """See ``Signals.listen``. After a lost connection every listener is told to look."""
        return self._subscription.listen(topic)

    async def carry(self, topic: str, content: bytes) -> None:
        """See ``Carries.carry``. Raises within seconds when Redis is away."""
        async with asyncio.timeout(_POKE_S):
            await self._subscription.signal(topic, content)

    def carried(self, topic: str, take: Callable[[bytes], None]) -> Callable[[], None]:
        """See ``Carries.carried``. After a lost connection all are told to look."""
        return self._subscription.carried(topic, take)

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        """See ``LimitsRates.take``. Raises within seconds when Redis is away."""
        async with asyncio.timeout(_POKE_S):
            return await self._rates.take(key, limit=limit, window_s=window_s)

    async def look(self) -> None:
        """Ask Redis for its name and age, to find a wrong address while it can be corrected."""
        from .server import check_server

        await check_server(self._redis, self._address)

    async def close(self) -> None:
        """Free every connection."""
        await self._subscription.close()
        await freed(self._redis)
