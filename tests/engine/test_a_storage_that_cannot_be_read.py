"""A photo that cannot be read: the job waits, and what was never sent is not looked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from staging_core.errors import StorageFull
from staging_core.models import Attempt

from .deferred import Provider, attempts_of, opened


class Worn:
    """A storage, of a plugin say, whose reads break off with an error of its driver."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    @asynccontextmanager
    async def read(self, key: str, **options: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        yield self._broken()

    async def _broken(self) -> AsyncIterator[bytes]:
        yield b"half"
        raise OSError(5, "Input/output error")


class ReadsFirst(Provider):
    """Reads the photo before it sends anything."""

    async def create(self, request: Any, photo: Any, attempt: Attempt) -> str:
        await photo.read()
        return await super().create(request, photo, attempt)


@pytest.mark.parametrize("developed", [True, False])
def test_a_job_waits_for_a_storage_that_cannot_be_read_and_makes_one_prediction(
    tmp_path: Path, developed: bool
) -> None:
    """Whether it is the original that is to be decoded, or the copy that is to be sent."""

    async def scenario() -> None:
        provider = ReadsFirst(finish_after=1)
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            if not developed:
                async for copy in house.ports.storage.entries("working/"):
                    await house.ports.storage.delete(copy.key)
            worn: Any = Worn(house.ports.storage)
            for _ in range(6):
                await house.step(replace(house.ports, storage=worn))
                assert await house.states() == ["queued"]
                house.clock.ahead += 100
            assert provider.posts == []
            for _ in range(2):
                await house.step()
                house.clock.ahead += 100
            assert await house.states() == ["ready"]
            assert [each.state for each in await attempts_of(house)] == ["succeeded"]
            assert len(provider.posts) == 1

    asyncio.run(scenario())


class KeepsNothing:
    """A storage that has no room for results."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    async def put(self, key: str, data: Any, *, content_type: str) -> Any:
        if key.startswith("staged/"):
            raise StorageFull("There is no room left for the object; nothing was kept.")
        return await self._behind.put(key, data, content_type=content_type)


def test_a_result_that_can_never_be_kept_is_tried_for_a_day(tmp_path: Path) -> None:
    async def scenario() -> None:
        provider = Provider(finish_after=1)
        async with opened(tmp_path, provider, max_attempts=1) as (house, _):
            full: Any = KeepsNothing(house.ports.storage)
            await house.submit()
            for _ in range(23):
                await house.step(replace(house.ports, storage=full))
                house.clock.ahead += 3600
            assert await house.states() == ["waiting"]
            for _ in range(3):
                await house.step(replace(house.ports, storage=full))
                house.clock.ahead += 3600
            assert await house.states() == ["error"]
            assert len(provider.posts) == 1

    asyncio.run(scenario())


def test_a_photo_that_is_gone_ends_its_job_also_when_the_result_lies_at_the_provider(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        provider = Provider(finish_after=1)
        async with opened(tmp_path, provider) as (house, _):
            await house.submit()
            await house.step()
            async for stored in house.ports.storage.entries(""):
                await house.ports.storage.delete(stored.key)
            for _ in range(3):
                house.clock.ahead += 100
                await house.step()
            assert await house.states() == ["error"]
            assert [each.error for each in await attempts_of(house)] == ["object_missing"]

    asyncio.run(scenario())
