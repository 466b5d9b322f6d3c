"""Wakes that are not due: a sorted set per lane, from which they move into the lane's stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

from redis.asyncio import Redis

from staging_core.models import Wake

from .connection import UNREACHABLE
from .lanes import Keys

_MOST_HELD = 100_000  # per lane; those that are due last go first
_LOOK_S = 0.25
# KEYS: sorted set, stream. ARGV: now, how many. In one step, so that no wake moves twice.
_MOVE = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, data in ipairs(due) do
    redis.call('XADD', KEYS[2], '*', 'data', data)
    redis.call('ZREM', KEYS[1], data)
end
return #due
"""


class Later:
    """Holds wakes back until their time. ``clock``: the installation's, Unix seconds."""

    def __init__(self, redis: Redis, keys: Keys, clock: Callable[[], float]) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._move = redis.register_script(_MOVE)

    def is_due(self, wake: Wake) -> bool:
        """Whether the wake may be handed out now."""
        return wake.not_before <= self._clock()

    async def hold(self, wake: Wake, data: bytes) -> None:
        """Keep the message of a wake until it is due; the same one only once."""
        key = self._keys.later(wake.lane)
        async with self._redis.pipeline() as both:
            both.zadd(key, {data: wake.not_before})
            both.zremrangebyrank(key, _MOST_HELD, -1)
            await both.execute()

    async def move_forever(self, lanes: Iterable[str]) -> None:
        """Move the wakes of ``lanes`` into their streams, soon after they are due."""
        while True:
            for lane in lanes:
                with suppress(*UNREACHABLE):
                    await self._move(
                        keys=[self._keys.later(lane), self._keys.stream(lane)],
                        args=[self._clock(), 100],
                    )
            await asyncio.sleep(_LOOK_S)
