"""An installation with a provider that answers later, driven by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from staging_core import OWNER
from staging_core.acting import AttemptRecord, Images, Jobs
from staging_core.imaging.decoder import Decoder
from staging_core.models import (
    Failed,
    JobEvent,
    Staged,
    Waiting,
)
from staging_core.reception import Reception
from staging_core.testing.fake_deferred import FakeDeferred

from .house import House, open_house


class Provider(FakeDeferred):
    """Counts what it is asked, and does what it is told."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.gets = 0
        self.cancelled: list[str] = []
        self.silent = False

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        self.gets += 1
        if self.silent:
            raise TimeoutError("no answer")
        return await super().check(handle)

    async def cancel(self, handle: str) -> None:
        self.cancelled.append(handle)
        await super().cancel(handle)


@asynccontextmanager
async def opened(
    home: Path, *stagers: object, **settings: Any
) -> AsyncIterator[tuple[House, Reception]]:
    async with (
        Decoder() as decoder,
        open_house(home, *stagers, decoder=decoder, **settings) as house,
    ):
        yield house, Reception(house.ports)


async def carry_all(house: House) -> None:
    """Carry what is due now."""
    while await house.step():
        pass


async def call_back(house: House, reception: Reception, provider: Provider, handle: str) -> str:
    """The provider reports on a prediction, to the address of its attempt."""
    attempt_id = provider.predictions[handle].attempt_id
    callback = provider.callback(handle, at=house.clock())
    return await reception.receive(callback, attempt_id)


async def attempts_of(house: House) -> list[AttemptRecord]:
    page = await Images(house.ports, OWNER).page()
    return await Jobs(house.ports, OWNER).attempts(page[0].job.id)


async def history_of(house: House) -> list[JobEvent]:
    page = await Images(house.ports, OWNER).page()
    return await Jobs(house.ports, OWNER).history(page[0].job.id)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())
