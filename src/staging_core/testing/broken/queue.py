"""Queues that break one sentence each."""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import msgspec

from staging_core.backends.local_queue import LocalQueue
from staging_core.interfaces import Queue
from staging_core.interfaces.queue import Handler
from staging_core.models import Allowance, Wake
from staging_core.testing.conformance import QueueConformance, ServerFaults
from staging_core.uses import Uses

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


class HandsOutAgain(InProcess):
    """Thinks that a handler which takes its time is dead."""

    async def _handle(self, handler: Handler, wake: Wake, free: asyncio.Semaphore) -> None:
        repeating = asyncio.create_task(self._repeat(wake))
        try:
            await super()._handle(handler, wake, free)
        finally:
            repeating.cancel()

    async def _repeat(self, wake: Wake) -> None:
        await asyncio.sleep(0.2)
        await self.poke(wake)


class Served(InProcess):
    """A queue as behind a server, sound but for what its classes break."""

    def __init__(self) -> None:
        super().__init__()
        self._lost = False

    def restart(self) -> None:
        """The server comes back empty."""
        self.flush()

    def flush(self) -> None:
        """The server is empty."""
        self._heaps.clear()
        self._held.clear()

    async def die_with(self, wake: Wake) -> None:
        """A sound server hands it out again."""
        await self.poke(wake)

    async def _next(self, lanes: frozenset[str]) -> Wake:
        wake = await super()._next(lanes)
        if self._lost:
            raise ConnectionResetError("what was relied on has gone")
        return wake


class EndsWithTheServer(Served):
    """Does not connect again."""

    def restart(self) -> None:
        """Its connection is not the server's any more."""
        self._lost = True


class EndsWithItsGroup(Served):
    """Takes it for granted that what it has made is still there."""

    def flush(self) -> None:
        """What it had made is gone."""
        self._lost = True


class ForgetsTheKilled(Served):
    """Thinks that what was handed out once is done."""

    async def die_with(self, wake: Wake) -> None:
        """Nobody ever hears of it again."""


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


class Counting(InProcess):
    """The sound one, and it counts uses."""

    def __init__(self) -> None:
        super().__init__()
        self.uses = Uses(time.time)

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        return await self.uses.take(key, limit=limit, window_s=window_s)


class NothingRemains(Counting):
    """Does not tell how many uses are left."""

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        told = await super().take(key, limit=limit, window_s=window_s)
        return msgspec.structs.replace(told, remaining=0)


class LooksThenTakes(Counting):
    """Reads the count and writes it later."""

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        before = self.uses._windows.get(key)
        await asyncio.sleep(0)
        if before is not None:
            self.uses._windows[key] = before
        else:
            self.uses._windows.pop(key, None)
        return await super().take(key, limit=limit, window_s=window_s)


class ProlongsTheWindow(Counting):
    """Starts anew with each use."""

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        if key in self.uses._windows:
            self.uses._windows[key] = (time.time() + window_s, self.uses._windows[key][1])
        return await super().take(key, limit=limit, window_s=window_s)


class CountsAllTogether(Counting):
    """Does not look at the key."""

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        return await super().take("", limit=limit, window_s=window_s)


async def _first(listener: AsyncIterator[None]) -> AsyncIterator[None]:
    async for _ in listener:
        yield
        return


class QueueSuite(QueueConformance):
    """With little patience."""

    patience_s = 8.0
    slow_s = 0.3


class ServedQueueSuite(QueueSuite):
    """Where there is a server to fail."""

    patience_s: ClassVar[float] = 2.0

    def faults(self, queue: Queue) -> ServerFaults | None:
        return queue if isinstance(queue, Served) else None


def _queue(backend: type[LocalQueue], *fails: str) -> Broken:
    return broken(QueueSuite, backend, *fails)


def _served(backend: type[Served], *fails: str) -> Broken:
    return broken(ServedQueueSuite, backend, *fails)


BROKEN_QUEUES = (
    _queue(RoundsTheTime, "test_a_wake_reaches_the_handler_as_it_was"),
    _queue(NeedsAConsumer, "test_a_poke_does_not_wait_for_a_consumer"),
    _queue(IgnoresTheLanes, "test_only_wakes_of_the_lanes_are_handed_out"),
    _queue(TakesMore, "test_no_more_than_concurrency_run_at_a_time"),
    _queue(HandsOutAtOnce, "test_a_wake_is_not_handed_out_early"),
    _queue(DiesWithItsHandler, "test_a_raising_handler_does_not_end_the_loop"),
    _queue(EmptiesItselfFirst, "test_nothing_new_is_taken_after_cancelling"),
    _queue(CancelsItsHandlers, "test_running_handlers_finish_after_cancelling"),
    _queue(HandsOutAgain, "test_a_slow_handler_is_given_its_wake_once"),
    _served(EndsWithTheServer, "test_a_restarted_server_does_not_end_the_loop"),
    _served(
        EndsWithItsGroup,
        "test_a_flushed_server_does_not_end_the_loop",
        "test_a_restarted_server_does_not_end_the_loop",
    ),
    _served(ForgetsTheKilled, "test_what_a_killed_process_had_is_handed_out_again"),
    _queue(NothingRemains, "test_a_key_has_so_many_uses_in_a_window"),
    _queue(LooksThenTakes, "test_of_many_uses_at_once_no_more_are_allowed"),
    _queue(ProlongsTheWindow, "test_a_window_ends_however_often_it_is_asked_for"),
    _queue(CountsAllTogether, "test_keys_do_not_share_their_uses"),
    _queue(WakesOne, "test_a_signal_reaches_all_listeners"),
    _queue(ListensOnce, "test_a_listener_hears_later_signals_too"),
    _queue(WakesEveryTopic, "test_a_listener_hears_no_more_than_was_signalled"),
)
