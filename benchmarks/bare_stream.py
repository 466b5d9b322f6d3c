"""A stream of a bare Redis and its only group: what a queue could be at the least."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

STREAM, GROUP = "bare", "bare"
_BLOCK_MS = 1000


@asynccontextmanager
async def bare_redis(url: str) -> AsyncIterator[Redis]:
    """A connection, with the stream and its group."""
    async with Redis.from_url(url, protocol=2, socket_timeout=30) as redis:
        await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        yield redis


async def taken(redis: Redis, consumer: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The next entry as soon as there is one; none after a second without any."""
    found: Any = await redis.xreadgroup(GROUP, consumer, {STREAM: ">"}, count=1, block=_BLOCK_MS)
    return [entry for _, entries in found for entry in entries]
