"""Signals over Redis pub/sub: one channel, one subscription of this process, shared by all.

A message is a topic, or a topic, a line break and what is carried.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextvars import Context
from typing import Any
from weakref import WeakSet, finalize

from redis.asyncio import Redis

from .connection import UNREACHABLE

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
_LONGEST_PAUSE_S = 2.0
_BREAK = b"\n"


class Subscription:
    """Those of this process who listen, and the one connection that hears for them."""

    def __init__(self, redis: Redis, channel: str) -> None:
        self._redis = redis
        self._channel = channel
        self._listeners: dict[str, WeakSet[_Listener]] = {}
        self._takers: dict[str, dict[object, Callable[[bytes], None]]] = {}
        self._hearing: asyncio.Task[None] | None = None
        self._heard_before = False

    async def signal(self, topic: str, content: bytes = b"") -> None:
        """Publish; nobody who is away hears of it later."""
        message = topic.encode() + (_BREAK + content if content else b"")
        await self._redis.publish(self._channel, message)

    def listen(self, topic: str) -> AsyncIterator[None]:
        """A listener; the first one of the process opens the connection."""
        listener = _Listener()
        self._listeners.setdefault(topic, WeakSet()).add(listener)
        finalize(listener, self._forget, topic).atexit = False
        self._hear()
        return listener

    def carried(self, topic: str, take: Callable[[bytes], None]) -> Callable[[], None]:
        """The same for one who takes what is carried."""
        takers, place = self._takers.setdefault(topic, {}), object()
        takers[place] = take
        self._hear()

        def stop() -> None:
            takers.pop(place, None)
            if not takers and self._takers.get(topic) is takers:
                del self._takers[topic]

        return stop

    def _hear(self) -> None:
        if self._hearing is None:
            # It outlives whoever asked first, and is no part of that one's trace.
            self._hearing = asyncio.create_task(self._hear_forever(), context=Context())

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
                        if heard is not None:
                            self._take(heard)
            except UNREACHABLE as error:
                _log.warning("Redis passes no signals on: %s", type(error).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _take(self, heard: dict[str, Any]) -> None:
        if heard["type"] == "message":
            topic, _, content = heard["data"].partition(_BREAK)
            self._wake(topic.decode("utf-8", "replace"), content)
        elif heard["type"] == "subscribe":
            # The driver connects again by itself too, without a word but this.
            if self._heard_before:
                self._wake_all()
            self._heard_before = True

    def _wake(self, topic: str, content: bytes = b"") -> None:
        for listener in list(self._listeners.get(topic, ())):
            listener.wake()
        for take in tuple(self._takers.get(topic, {}).values()):
            take(content)

    def _wake_all(self) -> None:
        """Some signals were not heard: everybody had better look."""
        for topic in {*self._listeners, *self._takers}:
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
