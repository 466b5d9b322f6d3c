"""Queues that break one sentence each."""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from staging_core.backends.local_queue import LocalQueue
from staging_core.interfaces.queue import Handler
from staging_core.models import Wake
from staging_core.testing.conformance import QueueConformance

from .row import Broken, broken


class InProcess(LocalQueue):
    """The sound queue that the broken ones are made of."""

    def __init__(self) -> None:
        super().__init__(time.time)


class RoundsTheTime(InProcess):
    """Keeps whole seconds only."""

    async def poke(self, wake: Wake) -> None:
        await super().poke(msgspec.structs.replace(wake, not_before=math.ceil(wake.not_before)))


class NeedsAConsumer(InProcess):
    """Turns a wake away while nobody consumes."""

    def __init__(self) -> None:
        super().__init__()
        self._consumers = 0

    async def poke(self, wake: Wake) -> None:
        await asyncio.sleep(0)  # lets a consumer that has just been made begin
        if not self._consumers:
            raise ConnectionError("nobody consumes")
        await super().poke(wake)

    async def consume(self, handler: Handler, *, lanes: frozenset[str], concurrency: int) -> None:
        self._consumers += 1
        try:
            await super().consume(handler, lanes=lanes, concurrency=concurrency)
        finally:
            self._consumers -= 1


class IgnoresTheLanes(InProcess):
    """Hands out every wake."""

    async def consume(self, handler: Handler, *, lanes: frozenset[str], concurrency: int) -> None:
        every = lanes | {"default", "slow"}
        await super().consume(handler, lanes=every, concurrency=concurrency)


class TakesMore(InProcess):
    """Runs one handler more than it may."""

    async def consume(self, handler: Handler, *, lanes: frozenset[str], concurrency: int) -> None:
        await super().consume(handler, lanes=lanes, concurrency=concurrency + 1)


class HandsOutAtOnce(InProcess):
    """Does not look at the clock."""

    async def poke(self, wake: Wake) -> None:
        heapq.heappush(self._heaps[wake.lane], (0.0, next(self._order), wake))
        self._poked.set()
        self._poked = asyncio.Event()


class DiesWithItsHandler(InProcess):
    """Takes nothing more after a handler raised."""

    def __init__(self) -> None:
        super().__init__()
        self._dead = False

    async def _next(self, lanes: frozenset[str]) -> Wake:
        if self._dead:
            await asyncio.Event().wait()
        return await super()._next(lanes)

    async def _handle(self, handler: Handler, wake: Wake, free: asyncio.Semaphore) -> None:
        try:
            await handler(wake)
        except Exception:
            self._dead = True
        finally:
            free.release()


class EmptiesItselfFirst(InProcess):
    """Works off everything before it lets itself be cancelled."""

    async def consume(self, handler: Handler, *, lanes: frozenset[str], concurrency: int) -> None:
        try:
            await super().consume(handler, lanes=lanes, concurrency=concurrency)
        except asyncio.CancelledError:
            while any(self._heaps.get(lane) for lane in lanes):
                await handler(await self._next(lanes))
            raise


class CancelsItsHandlers(InProcess):
    """Does not let handlers finish."""

    async def consume(self, handler: Handler, *, lanes: frozenset[str], concurrency: int) -> None:
        running: set[asyncio.Task[Any]] = set()

        async def watched(wake: Wake) -> None:
            task = asyncio.current_task()
            assert task is not None
            running.add(task)
            await handler(wake)

        consuming = super().consume(watched, lanes=lanes, concurrency=concurrency)
        inner = asyncio.create_task(consuming)
        try:
            await asyncio.shield(inner)
        finally:
            inner.cancel()
            for task in running:
                task.cancel()
            await asyncio.wait([inner])


class WakesOne(InProcess):
    """Tells only one of those who listen."""

    async def signal(self, topic: str) -> None:
        for listener in list(self._listeners.get(topic, ()))[:1]:
            listener.wake()


class ListensOnce(InProcess):
    """Ends after the first signal."""

    def listen(self, topic: str) -> AsyncIterator[None]:
        return _first(super().listen(topic))


class WakesEveryTopic(InProcess):
    """Does not look at the topic."""

    async def signal(self, topic: str) -> None:
        for known in list(self._listeners):
            await super().signal(known)


async def _first(listener: AsyncIterator[None]) -> AsyncIterator[None]:
    async for _ in listener:
        yield
        return


class _Suite(QueueConformance):
    patience_s = 8.0


def _queue(backend: type[LocalQueue], *fails: str) -> Broken:
    return broken(_Suite, backend, *fails)


BROKEN_QUEUES = (
    _queue(RoundsTheTime, "test_a_wake_reaches_the_handler_as_it_was"),
    _queue(NeedsAConsumer, "test_a_poke_does_not_wait_for_a_consumer"),
    _queue(IgnoresTheLanes, "test_only_wakes_of_the_lanes_are_handed_out"),
    _queue(TakesMore, "test_no_more_than_concurrency_run_at_a_time"),
    _queue(HandsOutAtOnce, "test_a_wake_is_not_handed_out_early"),
    _queue(DiesWithItsHandler, "test_a_raising_handler_does_not_end_the_loop"),
    _queue(EmptiesItselfFirst, "test_nothing_new_is_taken_after_cancelling"),
    _queue(CancelsItsHandlers, "test_running_handlers_finish_after_cancelling"),
    _queue(WakesOne, "test_a_signal_reaches_all_listeners"),
    _queue(ListensOnce, "test_a_listener_hears_later_signals_too"),
    _queue(WakesEveryTopic, "test_a_listener_hears_no_more_than_was_signalled"),
)
