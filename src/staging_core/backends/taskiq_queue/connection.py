"""Connections to the Redis, without taskiq: most processes only poke, listen and count."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from .address import RedisAddress

UNREACHABLE = (RedisError, OSError, TimeoutError)


def connected(address: RedisAddress) -> Redis:
    """A client with connections of its own, which ``freed`` closes; nothing is sent yet."""
    pool = BlockingConnectionPool.from_url(address.url, **address.connection())
    return Redis(connection_pool=pool)


async def freed(redis: Redis) -> None:
    """Close every connection of the client."""
    await redis.connection_pool.disconnect()
