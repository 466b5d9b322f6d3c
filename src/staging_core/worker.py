"""The worker: claims as many jobs as it has places for, and stops without losing any."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import replace
from typing import Any

import msgspec

from .database import claims
from .database.row import Row
from .errors import SettingError
from .interfaces import Consumes, supports
from .models import Wake
from .payments.comparison import Comparison, compare_forever
from .pipeline import Look, Pipeline
from .ports import Ports
from .recovery import Recovery, keep_up_forever, pay_forever, sweep_forever
from .webhooks import Sender

log = logging.getLogger("staging_core")

_TAKEN_S = 0.25
_SOON_S = 0.05  # ends and wakes that come together are worth one look
_LAST_LOOK_S = 2.0
_CANCEL_AGAIN_S = 1.0


class Worker:
    """Works until cancelled. Wakes from the queue only make it look at the rows sooner.

    ``lanes``: works for the models of these only, by default for all; ``SettingError`` for a lane
    without a model. ``concurrency``: steps at a time, by default the setting's.
    """

    def __init__(
        self,
        ports: Ports,
        recovery: Recovery,
        *,
        lanes: Collection[str] = (),
        concurrency: int | None = None,
    ) -> None:
        self.ports = _share(ports, lanes, concurrency)
        self.recovery = recovery
        self.pipeline = Pipeline(ports)
        self.sender = Sender(ports)
        self._look = asyncio.Event()
        self._looked = asyncio.Event()
        self._stopping = False
        self._free: list[str] = []
        self._running: dict[asyncio.Task[float], str] = {}
        self._alarm: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Claim and carry jobs until cancelled; running steps then have ``shutdown_s`` to end."""
        helpers = self._helpers()
        consumes = supports(self.ports.queue, Consumes)
        if consumes is not None:
            helpers.append(asyncio.create_task(self._listen(consumes)))
        try:
            await self._claim_forever()
        finally:
            await self._stop(helpers)

    async def run_until_idle(self) -> None:
        """Carry jobs until none of our models is left that has not ended, then return."""
        helpers = self._helpers()
        try:
            while self._running or await self._is_anything_left():
                await self._claim_or_wait()
        finally:
            await self._stop(helpers)

    def _helpers(self) -> list[asyncio.Task[None]]:
        """What goes on beside the jobs: sweeps, and webhooks to whoever wants to know of them.

        And what is paid through a provider is compared with it, which takes its time.
        """
        return [
            asyncio.create_task(sweep_forever(self.recovery)),
            asyncio.create_task(pay_forever(self.recovery)),
            asyncio.create_task(keep_up_forever(self.recovery)),
            asyncio.create_task(compare_forever(Comparison(self.ports))),
            asyncio.create_task(self.sender.run()),
        ]

    async def _listen(self, queue: Consumes) -> None:
        """Lane by lane: one without a free place does not hold up the wakes of another."""
        try:
            async with asyncio.TaskGroup() as each:
                for lane in _lanes(self.ports):
                    consuming = queue.consume(self._nudged, lanes=frozenset({lane}), concurrency=1)
                    each.create_task(consuming)
        except* Exception:
            # Whatever the queue does, sweeps go on.
            log.exception("the queue hands out no more wakes")

    async def _nudged(self, wake: Wake) -> None:
        """Look, and keep the queue waiting until we could take one more job of the lane.

        Wakes that we have no place for are thus left to workers that have one.
        """
        self._look.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.ports.settings.lease_s):
                while not self._stopping:
                    await self._looked.wait()
                    if self._has_place(wake.lane):
                        return

    def _has_place(self, lane: str) -> bool:
        return any(
            self.ports.stagers[name].card.lane == lane for name in self._models_with_places()
        )

    async def _claim_forever(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        before = task.cancelling()
        while task.cancelling() == before:
            await self._claim_or_wait()
        # A driver has lost the cancellation, or answered it with an error of its own.
        raise asyncio.CancelledError

    async def _claim_or_wait(self) -> None:
        self._look.clear()
        self._free = self._models_with_places()
        found = await self._find(self._free)
        if found.job is not None:
            self._start(found.job, found)
        self._has_looked()
        pause_s = self._pause_s(found)
        if pause_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._look.wait()

    def _has_looked(self) -> None:
        self._looked.set()
        self._looked = asyncio.Event()

    async def _find(self, free: list[str]) -> Look:
        if not free:
            return Look(None, math.inf)
        try:
            return await self.pipeline.look(models=free)
        except Exception:
            # A database that is away: the sweep interval passes, then we ask again.
            log.warning("no job could be claimed", exc_info=True)
            return Look(None, math.inf)

    def _pause_s(self, found: Look) -> float:
        """How long to wait for a nudge: until a job we have a place for is due, at most a sweep."""
        longest = self.ports.settings.sweep_s
        if found.next_at is None:
            return min(_SOON_S, longest)
        if found.job is not None:
            return 0.0
        left = found.next_at - time.time()
        # Due, yet not ours: just taken by another worker, or its account has its fill.
        return min(max(left, 0.01) if left > 0 else _TAKEN_S, longest)

    def _models_with_places(self) -> list[str]:
        """Models that may take one more step in this worker.

        Steps of models that answer later are short; their own limit is the installation's.
        """
        if len(self._running) >= self.ports.settings.worker_concurrency:
            return []
        held = list(self._running.values())
        return [
            name
            for name, stager in self.ports.stagers.items()
            if name in self.pipeline.deferred or held.count(name) < stager.card.in_flight
        ]

    def _start(self, job: Row, found: Look) -> None:
        task = asyncio.create_task(self._carry(job, found))
        self._running[task] = job["model"]
        self._tell_steps()
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[float]) -> None:
        """Its place is free; where places were free before, there is no hurry to look."""
        model = self._running.pop(task)
        self._tell_steps()
        if model not in self._free or self._stopping or task.cancelled():
            self._look.set()
        else:
            self._look_in(max(_SOON_S, task.result() - time.time()))

    def _look_in(self, seconds: float) -> None:
        """Look by then; we look every ``sweep_s`` anyway."""
        if seconds > self.ports.settings.sweep_s:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        if self._alarm is not None and self._alarm.when() > loop.time():
            if self._alarm.when() <= at:
                return
            self._alarm.cancel()
        self._alarm = loop.call_at(at, self._look.set)

    def _tell_steps(self) -> None:
        self.ports.telemetry.level("staging.worker.steps", len(self._running))

    async def _carry(self, job: Row, found: Look) -> float:
        """When to look again for what it did; see ``Pipeline.carry``."""
        try:
            return await self.pipeline.carry(job, found.attempt, found.original)
        except Exception:
            # Its lease runs out and somebody, maybe we, takes it over.
            log.warning("job %s was dropped", job["id"], exc_info=True)
            return 0.0

    async def _is_anything_left(self) -> bool:
        models = list(self.ports.stagers)
        async with self.ports.database.read() as tx:
            return await claims.next_due(tx, models, starting=models) is not None

    async def _stop(self, helpers: list[asyncio.Task[None]]) -> None:
        """No new claims; what runs may end; what does not end in time is given back."""
        self._stopping = True
        self._has_looked()
        ending = asyncio.create_task(_end(helpers))
        posting = asyncio.create_task(self.sender.end())
        running = list(self._running)
        if running:
            with contextlib.suppress(asyncio.CancelledError):  # told again: no more waiting
                await asyncio.wait(running, timeout=self.ports.settings.shutdown_s)
        await asyncio.gather(ending, _end(running), posting)
        try:
            async with asyncio.timeout(_LAST_LOOK_S):
                await self.recovery.observe()
        except Exception:
            log.info("not every plugin has seen the last events; it will next time", exc_info=True)


@contextlib.asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[asyncio.Task[None]]:
    """It works while the block runs; what it ended with otherwise is logged, and raised at the end.

    The task, for whoever says whether it still works.
    """
    task = asyncio.create_task(worker.run())
    task.add_done_callback(_tell_fall)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _tell_fall(task: asyncio.Task[None]) -> None:
    """At once: the block may run for weeks, and what it accepts is done by nobody."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the worker ended", exc_info=error)


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel until they have ended: a driver may lose a cancellation, or answer with an error."""
    while going := [task for task in tasks if not task.done()]:
        for task in going:
            task.cancel()
        await asyncio.wait(going, timeout=_CANCEL_AGAIN_S)


def _lanes(ports: Ports) -> frozenset[str]:
    return frozenset(stager.card.lane for stager in ports.stagers.values())


def _share(ports: Ports, lanes: Collection[str], concurrency: int | None) -> Ports:
    """The models and the number of steps of one worker."""
    for lane in set(lanes) - _lanes(ports):
        raise SettingError(
            f"No model of this installation is in the lane {lane!r}.",
            remedy=f"Its lanes: {', '.join(sorted(_lanes(ports)))}.",
        )
    stagers = {
        name: stager
        for name, stager in ports.stagers.items()
        if not lanes or stager.card.lane in lanes
    }
    steps = concurrency or ports.settings.worker_concurrency
    settings = msgspec.structs.replace(ports.settings, worker_concurrency=steps)
    return replace(ports, stagers=stagers, settings=settings)
