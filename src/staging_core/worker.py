"""The worker: claims as many jobs as it has places for, and stops without losing any."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Iterable
from dataclasses import replace

import msgspec
import sqlalchemy as sa

from .database import claims
from .errors import SettingError
from .interfaces import Consumes, supports
from .models import Wake
from .pipeline import Pipeline
from .ports import Ports
from .recovery import Recovery, sweep_forever

log = logging.getLogger("staging_core")

_TAKEN_S = 0.25
_LAST_LOOK_S = 4.0
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
        self._look = asyncio.Event()
        self._looked = asyncio.Event()
        self._stopping = False
        self._running: dict[asyncio.Task[None], str] = {}

    async def run(self) -> None:
        """Claim and carry jobs until cancelled; running steps then have ``shutdown_s`` to end."""
        helpers = [asyncio.create_task(sweep_forever(self.recovery))]
        consumes = supports(self.ports.queue, Consumes)
        if consumes is not None:
            helpers.append(asyncio.create_task(self._listen(consumes)))
        try:
            await self._claim_forever()
        finally:
            await self._stop(helpers)

    async def run_until_idle(self) -> None:
        """Carry jobs until none of our models is left that has not ended, then return."""
        sweeping = asyncio.create_task(sweep_forever(self.recovery))
        try:
            while self._running or await self._next_due(self.ports.stagers, ()) is not None:
                await self._claim_or_wait()
        finally:
            await self._stop([sweeping])

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
        free = self._models_with_places()
        job = await self._claim(free)
        if job is not None:
            self._start(job)
        self._has_looked()
        if job is not None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(await self._idle_s(free)):
                await self._look.wait()

    def _has_looked(self) -> None:
        self._looked.set()
        self._looked = asyncio.Event()

    async def _claim(self, free: list[str]) -> sa.RowMapping | None:
        if not free:
            return None
        try:
            return await self.pipeline.claim(models=free)
        except Exception:
            # A database that is away: the sweep interval passes, then we ask again.
            log.warning("no job could be claimed", exc_info=True)
            return None

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

    def _start(self, job: sa.RowMapping) -> None:
        task = asyncio.create_task(self._carry(job))
        self._running[task] = job["model"]
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._look.set()

    async def _carry(self, job: sa.RowMapping) -> None:
        try:
            await self.pipeline.carry(job)
        except Exception:
            # Its lease runs out and somebody, maybe we, takes it over.
            log.warning("job %s was dropped", job["id"], exc_info=True)

    async def _idle_s(self, free: list[str]) -> float:
        """How long to wait for a nudge: until a job we have a place for is due, at most a sweep."""
        longest = self.ports.settings.sweep_s
        try:
            opening = await self.pipeline.opening(free) if free else {}
            shut = [name for name, at in opening.items() if at > time.time()]
            due = await self._next_due(free, shut) if free else None
        except Exception:
            return longest
        times = [*(opening[name] for name in shut), *([] if due is None else [due])]
        if not times:
            return longest
        left = min(times) - time.time()
        # Due, yet not ours: just taken by another worker, or its account has its fill.
        return min(max(left, 0.01) if left > 0 else _TAKEN_S, longest)

    async def _next_due(self, models: Iterable[str], shut: Collection[str]) -> float | None:
        """``shut``: models of which no queued job may be started now."""
        async with self.ports.database.read() as tx:
            starting = [name for name in models if name not in shut]
            return await claims.next_due(tx, list(models), starting=starting)

    async def _stop(self, helpers: list[asyncio.Task[None]]) -> None:
        """No new claims; what runs may end; what does not end in time is given back."""
        self._stopping = True
        self._has_looked()
        ending = asyncio.create_task(_end(helpers))
        running = list(self._running)
        if running:
            with contextlib.suppress(asyncio.CancelledError):  # told again: no more waiting
                await asyncio.wait(running, timeout=self.ports.settings.shutdown_s)
        await asyncio.gather(ending, _end(running))
        try:
            async with asyncio.timeout(_LAST_LOOK_S):
                await self.recovery.observe()
        except Exception:
            log.info("not every plugin has seen the last events; it will next time", exc_info=True)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
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
