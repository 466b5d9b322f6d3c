"""Many models answer at one moment: a worker holds few whole pictures at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from staging_core.imaging.decoder import Decoder, Verified

from .deferred import Provider, opened, run

JOBS = 8
PROCESSES = 1


class Slow(Decoder):
    """Verifies nothing before it may; ``held``: working copies that were handed to it."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.may = asyncio.Event()
        self.held = self.most = 0

    async def verify(self, output: bytes, **told: Any) -> Verified:
        self.held += 1
        self.most = max(self.most, self.held)
        await self.may.wait()
        try:
            return await self._decoder.verify(output, **told)
        finally:
            self.held -= 1


def test_pictures_wait_in_the_storage_and_not_in_memory_until_they_can_be_verified(
    tmp_path: Path,
) -> None:
    provider = Provider(finish_after=1)

    async def scenario() -> None:
        async with opened(tmp_path, provider) as (house, _):
            for number in range(JOBS):
                await house.submit(number=number, idempotency_key=f"k{number}")
            for _ in range(JOBS):
                await house.step()
            slow = Slow(house.ports.decoder)
            ports = replace(house.ports, decoder=slow)
            house.clock.ahead += 60
            async with asyncio.TaskGroup() as group:
                for _ in range(JOBS):
                    group.create_task(house.step(ports))
                for _ in range(1_000):
                    if await house.states() == ["fetching"] * JOBS and slow.held > PROCESSES:
                        break
                    await asyncio.sleep(0.01)
                slow.may.set()
            assert slow.most == PROCESSES + 1
            assert await house.states() == ["ready"] * JOBS

    run(scenario)
