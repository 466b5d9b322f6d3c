"""A project's pictures as one zip file: complete, each once, under a name of its own."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO

import pytest

from staging_core import OWNER, Principal
from staging_core.errors import NotFound

from .conftest import Install
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
