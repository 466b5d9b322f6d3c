"""Archives and exports are made while they are sent, and whoever is slow keeps nobody from one.

Nobody can resume one, so who reads at a fair pace is let finish; and each has an end.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from staging_core.errors import Overloaded
from staging_embed.shedding import Room

from .house import API, OWN, as_own
from .test_turns import begun, closed, large, served, until


class Paced:
    """A reader of that pace."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.is_cut = asyncio.Event()

    def cut(self) -> None:
        self.is_cut.set()

    async def stay(self, room: Room, account_id: str) -> None:
        async with room.one(account_id, reader=self):
            await self.is_cut.wait()


@asynccontextmanager
async def staying(room: Room, readers: dict[str, Paced]) -> Any:
    tasks = [asyncio.create_task(each.stay(room, name)) for name, each in readers.items()]
    await until(lambda: room.running == len(readers))
    yield
    for each in readers.values():
        each.cut()
    await asyncio.gather(*tasks)


def test_only_who_reads_slower_than_is_fair_makes_way() -> None:
    async def scenario() -> None:
        room = Room(2, each=2, wait_s=30, spares=100)
        slow, fair = Paced(90), Paced(101)
        async with staying(room, {"slow": slow, "fair": fair}), room.one("who comes"):
            assert slow.is_cut.is_set()
            assert not fair.is_cut.is_set()
        short = Room(1, each=1, wait_s=0.01, spares=100)
        async with staying(short, {"fair": Paced(101)}):
            with pytest.raises(Overloaded):
                async with short.one("who comes"):
                    pass

    asyncio.run(scenario())


def counted_reads(storage: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many reads of the storage were open at each moment that one began or ended."""
    seen, real = [0], storage.read

    @asynccontextmanager
    async def read(*args: Any, **more: Any) -> Any:
        async with real(*args, **more) as chunks:
            seen.append(seen[-1] + 1)
            yield chunks
        seen.append(seen[-1] - 1)

    monkeypatch.setattr(storage, "read", read)
    return seen


async def unread(
    client: httpx.AsyncClient, path: str, stack: AsyncExitStack
) -> asyncio.StreamReader:
    reader, writer = await begun(client, f"GET {path}")
    stack.push_async_callback(closed, writer)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    return reader


async def archive_of_large(staging: Any) -> str:
    """The path of the archive of a project with a large picture."""
    me = staging.acting_as(OWN)
    project = await me.projects.create("listing")
    await large(staging)
    for seed in (1, 2, 3):
        path = Path(staging.settings.home) / "large.png"
        await me.images.submit(path, project_id=project.id, seed=seed)
    return f"{API}/projects/{project.id}/archive"


def test_whoever_does_not_read_an_archive_holds_nothing_of_the_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (staging, app, client), AsyncExitStack() as stack:
            path = await archive_of_large(staging)
            seen = counted_reads(staging.ports.storage, monkeypatch)
            await unread(client, path, stack)
            rooms = app.service.rooms
            await until(lambda: len(seen) > 3 and rooms.reads.running == 0)
            assert (rooms.archives.running, seen[-1]) == (1, 0)
            whole = await client.get(path, headers=as_own())
            assert ZipFile(BytesIO(whole.content)).testzip() is None

    asyncio.run(scenario())


def test_an_archive_that_is_not_read_makes_way_for_who_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_embed.pace._FIRST_S", 0.05)

    async def scenario() -> None:
        async with served(tmp_path) as (staging, app, client), AsyncExitStack() as stack:
            path = await archive_of_large(staging)
            anything = 1 << 40  # bytes a second; what lies in buffers was taken quickly
            room = app.service.rooms.archives = Room(1, each=2, wait_s=20, spares=anything)
            reader = await unread(client, path, stack)
            await until(lambda: all(each.speed < anything for each in room._readers))
            assert (await client.get(path, headers=as_own())).status_code == 200
            assert not (await reader.read()).endswith(b"0\r\n\r\n")
            await until(lambda: room.running == 0)

    asyncio.run(scenario())


def test_an_archive_ends_after_a_time_and_so_that_its_reader_sees_that_it_is_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_embed.streamed.LONGEST_S", 0.5)

    async def scenario() -> None:
        async with served(tmp_path) as (staging, app, client), AsyncExitStack() as stack:
            path = await archive_of_large(staging)
            reader = await unread(client, path, stack)
            await until(lambda: app.service.rooms.archives.running == 0)
            assert not (await reader.read()).endswith(b"0\r\n\r\n")

    asyncio.run(scenario())
