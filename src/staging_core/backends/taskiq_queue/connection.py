"""Connections to the Redis, without taskiq: most processes only poke, listen and count."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import BlockingConnectionPool, Connection, ConnectionPool, Redis, SSLConnection
from redis.exceptions import RedisError

from .address import RedisAddress

UNREACHABLE = (RedisError, OSError, TimeoutError)


def connected(address: RedisAddress) -> Redis:
    """A client with connections of its own, which ``freed`` closes; nothing is sent yet."""
    pool = BlockingConnectionPool.from_url(address.url, **address.connection())
    keep_cancellations(pool)
    return Redis(connection_pool=pool)


async def freed(redis: Redis) -> None:
    """Close every connection of the client."""
    await redis.connection_pool.disconnect()


def keep_cancellations(pool: ConnectionPool) -> None:
    """Let a task that is cancelled while it sends a command be cancelled, on every Python."""
    secured = issubclass(pool.connection_class, SSLConnection)
    pool.connection_class = _SecuredConnection if secured else _Connection


class _Connection(Connection):
    """redis-py sends under ``asyncio.wait_for``, which in Python 3.11 loses a cancellation that
    comes in the moment in which the bytes are out (python/cpython#86296).
    """

    async def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        before = task.cancelling()
        await super().send_packed_command(*args, **kwargs)
        if task.cancelling() > before:
            await self.disconnect(nowait=True)  # the answer would be taken for the next one's
            raise asyncio.CancelledError


class _SecuredConnection(_Connection, SSLConnection):
    """The same over TLS."""
