"""A project's pictures as one zip file: complete, each once, under a name of its own."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import pytest

from staging_core import OWNER, Principal
from staging_core.errors import NotFound

from .conftest import Install, in_the_process
from .pictures import photo, sent

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


@both
def test_originals_once_and_what_is_ready(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_core.archive._PAGE", 2)

    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            project, other = await me.projects.create("a"), await me.projects.create("b")
            for number, name in enumerate(("room.png", "room.png", "hall.png")):
                upload = await me.uploads.receive(sent(photo(number, "PNG")), name)
                for style in ("modern", "coastal"):
                    await me.images.submit(upload_id=upload.id, style=style, project_id=project.id)
            await staging.run_worker(until_idle=True)
            failed = await me.images.submit(photo(7), project_id=project.id)
            await me.images.cancel(failed.images[0].id)
            await me.images.submit(photo(8), project_id=other.id)
            data = await whole(await me.projects.archive(project.id))
            with zipfile.ZipFile(BytesIO(data)) as found:
                assert found.testzip() is None
                names = found.namelist()
                assert len(names) == len(set(names)) == 3 + 1 + 6
                assert {"hall.png", "room.png", "room-2.png"} <= set(names)
                originals = [found.read(name) for name in ("room.png", "room-2.png")]
            assert sorted(originals) == sorted(photo(number, "PNG") for number in (0, 1))

    asyncio.run(scenario())


def test_its_names_are_names_wherever_it_is_unpacked(install: Install) -> None:
    """Windows allows some characters in none, and it and macOS tell no case apart."""

    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            project = await me.projects.create("a")
            for number, name in enumerate(("Hall.png", "hall.png", 'C:"x"?.png')):
                upload = await me.uploads.receive(sent(photo(number, "PNG")), name)
                await me.images.submit(upload_id=upload.id, project_id=project.id)
            data = await whole(await me.projects.archive(project.id))
            with zipfile.ZipFile(BytesIO(data)) as found:
                names = found.namelist()
            assert len({name.casefold() for name in names}) == len(names) == 3
            assert "C__x__.png" in names

    asyncio.run(scenario())


@both
def test_an_empty_project_is_an_empty_file_and_anothers_is_none(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            project = await me.projects.create("a")
            data = await whole(await me.projects.archive(project.id))
            with zipfile.ZipFile(BytesIO(data)) as found:
                assert found.namelist() == []
            with pytest.raises(NotFound):
                await staging.acting_as(Principal(account_id="other")).projects.archive(project.id)

    asyncio.run(scenario())


def test_whoever_goes_away_midway_leaves_nothing_open(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            project = await me.projects.create("a")
            await me.images.submit(photo(0, "PNG", width=400, height=400), project_id=project.id)
            chunks = await me.projects.archive(project.id)
            assert await anext(chunks)
            await chunks.aclose()  # type: ignore[attr-defined]

    asyncio.run(scenario())


@in_the_process
def test_what_goes_while_it_is_put_in_ends_the_archive(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a picture would look like a whole one."""
    monkeypatch.setattr("staging_core.archive._PIECE_BYTES", 100)

    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            project = await me.projects.create("a")
            group = await me.images.submit(photo(0, "PNG"), project_id=project.id)
            chunks = await me.projects.archive(project.id)
            assert await anext(chunks)
            await staging.ports.storage.delete(group.images[0].original_key)
            with pytest.raises(NotFound):
                await whole(chunks)
            gone = await whole(await me.projects.archive(project.id))
            with zipfile.ZipFile(BytesIO(gone)) as found:
                assert found.namelist() == []

    asyncio.run(scenario())


def watched(owner: object, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many reads of it were open, each time that one began or ended."""
    seen, real = [0], owner.read  # type: ignore[attr-defined]

    @asynccontextmanager
    async def read(*args: Any, **more: Any) -> Any:
        async with real(*args, **more) as found:
            seen.append(seen[-1] + 1)
            yield found
        seen.append(seen[-1] - 1)

    monkeypatch.setattr(owner, "read", read)
    return seen


@in_the_process
@pytest.mark.parametrize("kind", ["archive", "export"])
def test_between_two_pieces_nothing_is_held(
    install: Install, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Neither a file nor a connection: whoever reads it may take their time, or never go on."""
    monkeypatch.setattr("staging_core.archive._PIECE_BYTES", 100)

    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(Principal(account_id="own", user_id="anna", role="admin"))
            project = await me.projects.create("a")
            await me.images.submit(photo(0, "PNG"), project_id=project.id)
            objects = watched(staging.ports.storage, monkeypatch)
            rows = watched(staging.ports.database, monkeypatch)
            made = me.projects.archive(project.id) if kind == "archive" else me.account.export()
            async for _ in await made:
                assert (objects[-1], rows[-1]) == (0, 0)
            assert len(objects) > 4

    asyncio.run(scenario())
