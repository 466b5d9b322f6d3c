"""A client that wants pictures, never gives up, and writes down what it was promised."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from io import BytesIO
from typing import TypeVar

import numpy as np
from PIL import Image

from staging_core import OWNER, Group, Staging, StagingError
from staging_core.audit import Accepted
from staging_core.errors import AlreadyFinal

T = TypeVar("T")

_AT_ONCE = 4
_PHOTOS = 10
_GIVES_UP_S = 300.0


class Client:
    """``accepted``: every answer that came. ``cancelled``: jobs whose cancelling was confirmed."""

    def __init__(
        self,
        staging: Staging,
        dice: random.Random,
        *,
        name: str = "order",
        impatience: float = 0.05,
        whims: float = 0.02,
    ) -> None:
        """``impatience``: share of calls that it breaks off; ``whims``: of orders it cancels."""
        self._me = staging.acting_as(OWNER)
        self._dice = dice
        self._name, self._impatience, self._whims = name, impatience, whims
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self.accepted: list[Accepted] = []
        self.cancelled: set[str] = set()
        self.repeats = 0

    async def submit(self, jobs: int, *, variants: int = 5) -> None:
        """Submit that many jobs, in groups of ``variants``; done when all are accepted."""
        async with asyncio.TaskGroup() as group:
            for number, first in enumerate(range(0, jobs, variants)):
                group.create_task(self._order(number, min(variants, jobs - first)))

    async def _order(self, number: int, variants: int) -> None:
        key = f"{self._name}-{number}".replace(" ", "-")
        async with self._turn:
            group = await self._until_answered(lambda: self._submit(number, variants, key))
        self._promised(group, key)
        if self._dice.random() < self._impatience:  # the answer was lost on its way
            self.repeats += 1
            again = await self._until_answered(lambda: self._submit(number, variants, key))
            self._promised(again, key)
        if self._dice.random() < self._whims:
            await self._cancel(group.images[0].job.id)

    def _promised(self, group: Group, key: str) -> None:
        jobs = tuple(image.job.id for image in group.images)
        promise = Accepted(
            account_id=group.account_id, group_id=group.id, job_ids=jobs, idempotency_key=key
        )
        self.accepted.append(promise)

    async def _submit(self, number: int, variants: int, key: str) -> Group:
        return await self._me.images.submit(
            photo(number % _PHOTOS),
            room="bedroom",
            style="modern",
            seed=number * 100 + 1,
            variants=variants,
            idempotency_key=key,
        )

    async def _cancel(self, job_id: str) -> None:
        with suppress(AlreadyFinal):
            await self._until_answered(lambda: self._me.jobs.cancel(job_id))
            self.cancelled.add(job_id)

    async def _until_answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer; some calls the client itself breaks off and repeats."""
        async with asyncio.timeout(_GIVES_UP_S):
            while True:
                try:
                    async with asyncio.timeout(self._patience_s()):
                        return await ask()
                except AlreadyFinal:
                    raise
                except (StagingError, TimeoutError):
                    self.repeats += 1
                    await asyncio.sleep(0.2)

    def _patience_s(self) -> float:
        if self._dice.random() < self._impatience:
            return self._dice.uniform(0.0, 0.3)
        return 60.0


@cache
def photo(number: int) -> bytes:
    """A small noisy JPEG; another number gives another picture."""
    pixels = np.random.default_rng(number).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()
