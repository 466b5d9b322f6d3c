"""``local:`` nudges within this process: wakes in a heap, one event loop.

Weak spots: wakes of another process are not seen (its sweep finds the work), and what is not handed
out when the process ends is gone. Neither harms: the job's row is the truth.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from weakref import WeakSet, finalize

from staging_core.errors import SettingError
from staging_core.interfaces import OpenContext
from staging_core.interfaces.queue import Handler
from staging_core.models import Wake
from staging_core.urls import BackendURL

_log = logging.getLogger(__name__)
_MOST_HELD = 10_000  # where nobody consumes; a sweep finds the work of those that are dropped
_LOOK_AGAIN_S = 1.0  # the wall clock may be set, or the machine may have slept


class LocalQueue:
    """One process's ``Queue``, ``Consumes`` and ``Signals``.

    It counts no uses: that it could do for this process alone, which counts for itself anyway.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heaps: dict[str, list[tuple[float, int, Wake]]] = defaultdict(list)
        self._held: set[Wake] = set()
        self._order = count()
        self._poked = asyncio.Event()
        self._listeners: dict[str, WeakSet[_Listener]] = {}

    async def poke(self, wake: Wake) -> None:
        """See ``Queue.poke``. A wake that waits already is not held twice, nor too many at all."""
        if wake in self._held or len(self._held) >= _MOST_HELD:
            return
        self._held.add(wake)
        heapq.heappush(self._heaps[wake.lane], (wake.not_before, next(self._order), wake))
        self._poked.set()
        self._poked = asyncio.Event()

    async def consume(self, handler: Handler, *, lanes: frozenset[str], concurrency: int) -> None:
        """See ``Consumes.consume``. Cancelling a second time cancels the running handlers too."""
        free = asyncio.Semaphore(concurrency)
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                await free.acquire()
                wake = await self._next(lanes)
                task = asyncio.create_task(self._handle(handler, wake, free))
                running.add(task)
                task.add_done_callback(running.discard)
        finally:
            await _drain(running)

    async def signal(self, topic: str) -> None:
        """See ``Signals.signal``."""
        for listener in list(self._listeners.get(topic, ())):
            listener.wake()

    def listen(self, topic: str) -> AsyncIterator[None]:
        """See ``Signals.listen``. Signals count from this call on, not from the first wait."""
        listener = _Listener()
        self._listeners.setdefault(topic, WeakSet()).add(listener)
        finalize(listener, self._forget, topic).atexit = False
        return listener

    def _forget(self, topic: str) -> None:
        if not list(self._listeners.get(topic, ())):  # its length still counts who has just gone
            self._listeners.pop(topic, None)

    async def _next(self, lanes: frozenset[str]) -> Wake:
        while True:
            poked = self._poked
            now = self._clock()
            heads = [heap[0] for lane in lanes if (heap := self._heaps.get(lane))]
            if heads and min(heads)[0] <= now:
                return self._take(min(heads)[2])
            wait_s = min([_LOOK_AGAIN_S, *(head[0] - now for head in heads)]) if heads else None
            try:
                await asyncio.wait_for(poked.wait(), wait_s)
            except TimeoutError:
                continue

    def _take(self, wake: Wake) -> Wake:
        heap = self._heaps[wake.lane]
        heapq.heappop(heap)
        if not heap:
            del self._heaps[wake.lane]
        self._held.discard(wake)
        return wake

    async def _handle(self, handler: Handler, wake: Wake, free: asyncio.Semaphore) -> None:
        try:
            await handler(wake)
        except Exception:
            _log.exception("The handler failed for job %s.", wake.job_id)
        finally:
            free.release()


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


async def _drain(running: set[asyncio.Task[None]]) -> None:
    if not running:
        return
    try:
        await asyncio.wait(running)
    except asyncio.CancelledError:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        raise


@asynccontextmanager
async def open_local_queue(url: BackendURL, context: OpenContext) -> AsyncIterator[LocalQueue]:
    """Open ``local:``; ``SettingError`` when the URL says more than that."""
    if url.path or url.options:
        raise SettingError(f"{url}: the local queue takes no path and no options.")
    yield LocalQueue(context.clock)
