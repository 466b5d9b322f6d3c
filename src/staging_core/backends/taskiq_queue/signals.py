"""Signals over Redis pub/sub: one channel, one subscription of this process, shared by all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from weakref import WeakSet, finalize

from redis.asyncio import Redis

from .connection import UNREACHABLE

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
_LONGEST_PAUSE_S = 2.0


class Subscription:
    """Those of this process who listen, and the one connection that hears for them."""

    def __init__(self, redis: Redis, channel: str) -> None:
        self._redis = redis
        self._channel = channel
        self._listeners: dict[str, WeakSet[_Listener]] = {}
        self._hearing: asyncio.Task[None] | None = None

    async def signal(self, topic: str) -> None:
        """Publish; nobody who is away hears of it later."""
        await self._redis.publish(self._channel, topic)

    def listen(self, topic: str) -> AsyncIterator[None]:
        """A listener; the first one of the process opens the connection."""
        listener = _Listener()
        self._listeners.setdefault(topic, WeakSet()).add(listener)
        finalize(listener, self._forget, topic).atexit = False
        if self._hearing is None:
            self._hearing = asyncio.create_task(self._hear_forever())
        return listener

    async def close(self) -> None:
        """Hear no more."""
        if self._hearing is not None:
            self._hearing.cancel()
            await asyncio.wait([self._hearing])

    async def _hear_forever(self) -> None:
        pause_s = 0.05
        while True:
            try:
                async with self._redis.pubsub() as connection:
                    await connection.subscribe(self._channel)
                    while True:
                        heard = await connection.get_message(timeout=_LOOK_S)
                        pause_s = 0.05
                        if heard is not None and heard["type"] == "message":
                            self._wake(heard["data"].decode())
            except UNREACHABLE as error:
                _log.warning("Redis passes no signals on: %s", type(error).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                self._wake_all()

    def _wake(self, topic: str) -> None:
        for listener in list(self._listeners.get(topic, ())):
            listener.wake()

    def _wake_all(self) -> None:
        """Some signals were not heard: everybody had better look."""
        for topic in list(self._listeners):
            self._wake(topic)

    def _forget(self, topic: str) -> None:
        if not list(self._listeners.get(topic, ())):  # its length still counts who has just gone
            self._listeners.pop(topic, None)


class _Listener:
    """One who waits for a topic; forgotten as soon as nobody holds it."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    def __aiter__(self) -> AsyncIterator[None]:
        return self

    async def __anext__(self) -> None:
        await self._woken.wait()
        self._woken.clear()
