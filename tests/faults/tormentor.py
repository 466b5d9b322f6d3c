"""Kills workers and servers while jobs are worked on; by the seed, always in the same way."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from .deployment import Deployment
from .workers import Workers

Progress = Callable[[], Awaitable[float]]
"""The share of all jobs that have ended, 0 to 1."""


class Torment(Protocol):
    """``plan``: what happens at which share of ended jobs; see ``Form``."""

    @property
    def plan(self) -> Sequence[tuple[float, str]]: ...
    @property
    def pause(self) -> tuple[float, float]: ...
    @property
    def kills(self) -> float: ...
    @property
    def until(self) -> float: ...
    @property
    def longest_s(self) -> float: ...


class Tormentor:
    """``done``: how often which deed was done."""

    def __init__(
        self, deployment: Deployment, workers: Workers, dice: random.Random, torment: Torment
    ) -> None:
        self._deployment, self._workers, self._dice = deployment, workers, dice
        self._torment = torment
        self._plan = sorted(torment.plan)
        self.done: Counter[str] = Counter()

    async def torment(self, progress: Progress) -> None:
        """Do harm, until it is enough."""
        began = time.monotonic()
        killing = asyncio.create_task(self._kill_workers())
        try:
            while time.monotonic() - began < self._torment.longest_s:
                share = await progress()
                if self._plan and share >= self._plan[0][0]:
                    await self._do(self._plan.pop(0)[1])
                elif not self._plan and share >= self._torment.until:
                    break
                self._workers.revive()
                await asyncio.sleep(0.1)
        finally:
            killing.cancel()
            with suppress(asyncio.CancelledError):
                await killing

    async def _kill_workers(self) -> None:
        while self._workers.kills < self._torment.kills:
            await asyncio.sleep(self._dice.uniform(*self._torment.pause))
            self._workers.kill_one(self._dice)

    async def _do(self, deed: str) -> None:
        await getattr(self, f"_{deed}")()
        self.done[deed] += 1

    async def _crash_postgres(self) -> None:
        await asyncio.to_thread(self._deployment.postgres.crash)
        await asyncio.sleep(self._dice.uniform(0.2, 2.0))
        await asyncio.to_thread(self._deployment.postgres.start)

    async def _kill_redis(self) -> None:
        await asyncio.to_thread(self._deployment.redis.stop)
        await asyncio.sleep(self._dice.uniform(0.2, 2.0))
        await asyncio.to_thread(self._deployment.redis.start)

    async def _flush_redis(self) -> None:
        await asyncio.to_thread(self._deployment.redis.flush)
