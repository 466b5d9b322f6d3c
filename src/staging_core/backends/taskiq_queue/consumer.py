"""Runs taskiq's receiver inside our process: bounded, and drained before it ends."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from taskiq.acks import AcknowledgeType
from taskiq.receiver import Receiver

from staging_core.interfaces.queue import Handler
from staging_core.models import Wake

from .broker import WakeBroker
from .connection import UNREACHABLE
from .lanes import TASK, Keys, message
from .later import Later

_log = logging.getLogger(__name__)


class Consumer:
    """Hands the wakes of a broker's streams to one handler, ``concurrency`` at a time."""

    def __init__(self, broker: WakeBroker, later: Later, keys: Keys, handler: Handler) -> None:
        self._broker = broker
        self._later = later
        self._keys = keys
        self._handler = handler
        self._running: set[asyncio.Task[Any]] = set()

        async def run(job_id: str, lane: str, not_before: float) -> None:
            """The one task. taskiq acknowledges it however it ends."""
            await self._run(Wake(job_id=job_id, lane=lane, not_before=not_before))

        broker.register_task(run, task_name=TASK)

    async def consume(self, lanes: frozenset[str], concurrency: int) -> None:
        """Work until cancelled, let running handlers end, return. A second time cancels them."""
        finish = asyncio.Event()
        receiver = Receiver(
            self._broker,
            max_async_tasks=concurrency,
            max_prefetch=0,
            run_startup=False,
            ack_type=AcknowledgeType.WHEN_EXECUTED,
        )
        receiving = asyncio.create_task(receiver.listen(finish))
        beside = [
            asyncio.create_task(self._broker.hold_running()),
            asyncio.create_task(self._later.move_forever(lanes)),
        ]
        try:
            await asyncio.shield(receiving)
        finally:
            self._broker.closing = True
            finish.set()
            try:
                await self._drain(receiving)
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
            await self._broker.leave()

    async def _drain(self, receiving: asyncio.Task[None]) -> None:
        try:
            await asyncio.wait([receiving])
        except asyncio.CancelledError:
            for task in self._running:
                task.cancel()
            await asyncio.wait([receiving])
            raise

    async def _run(self, wake: Wake) -> None:
        if not self._later.is_due(wake):
            await self._hold(wake)
            return
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await self._handler(wake)
        except Exception:
            # The contract: a handler that raises does not end the loop.
            _log.exception("The handler failed for job %s.", wake.job_id)
        finally:
            self._running.discard(task)

    async def _hold(self, wake: Wake) -> None:
        """Somebody's clock is ahead of ours."""
        try:
            await self._later.hold(wake, message(wake, self._keys.stream(wake.lane)))
        except UNREACHABLE:
            _log.info("a wake of job %s that was not due is lost", wake.job_id)
