"""Images are found again by words of the prompt and of the photo's file name."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from staging_core import OWNER, Acting, Image, Principal
from staging_core.database import tables
from staging_core.database.words import asked_for, words_of
from staging_core.errors import BadInput

from .conftest import Install
from .pictures import photo, sent

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def furnish(me: Acting, folder: Path) -> dict[str, str]:
    """Images by a name for each."""
    found = {}
    for name, prompt, style in (
        ("Elm-Street_12 kitchen.jpg", "A table for six, with Thonet chairs", "modern"),
        ("elm-street_12 bedroom.jpg", None, "japandi"),
        ("OAK 7.jpg", "Tablecloths of linen and an armchair", "modern"),
        ("Küche ÄÖÜ.jpg", "Wie bei Großmutter, mit Ofen", "japandi"),
    ):
        (folder / name).write_bytes(photo(len(found)))
        group = await me.images.submit(folder / name, room="office", style=style, prompt=prompt)
        found[name[:5]] = group.images[0].id
    return found


SEARCHES: list[tuple[dict[str, Any], list[str]]] = [
    ({"search": "elm"}, ["elm-s", "Elm-S"]),
    ({"search": "ELM street"}, ["elm-s", "Elm-S"]),
    ({"search": "elm 12 kit"}, ["Elm-S"]),
    ({"search": "12-elm, bed!"}, ["elm-s"]),
    ({"search": "tabl"}, ["OAK 7", "Elm-S"]),
    ({"search": "table"}, ["OAK 7", "Elm-S"]),
    ({"search": "tablec"}, ["OAK 7"]),
    ({"search": "chairs"}, ["Elm-S"]),
    ({"search": "KÜCHE"}, ["Küche"]),
    ({"search": "ku\u0308che"}, ["Küche"]),
    ({"search": "GROSSMUTTER"}, ["Küche"]),
    ({"search": "oven"}, []),
    ({"search": "elm oak"}, []),
    ({"search": "jpg"}, []),
    ({"search": "elm%"}, ["elm-s", "Elm-S"]),
    ({"search": "el_"}, ["elm-s", "Elm-S"]),
    ({"search": "elm' OR '1'='1 --"}, []),
    ({"search": "elm", "style": "japandi"}, ["elm-s"]),
    ({"search": "elm", "status": "queued"}, ["elm-s", "Elm-S"]),
    ({"search": "elm", "status": "ready"}, []),
    ({"search": "elm", "sort": "oldest"}, ["Elm-S", "elm-s"]),
]


@both
def test_each_word_of_a_search_begins_one_of_the_images(install: Install, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            ids = await furnish(me, tmp_path)
            other = staging.acting_as(Principal(account_id="other"))
            for asked, names in SEARCHES:
                found = await me.images.page(**asked)
                assert [image.id for image in found] == [ids[name] for name in names], asked
                paged: list[Image] = []
                while page := await me.images.page(
                    **asked, limit=1, before=paged[-1] if paged else None
                ):
                    paged += page
                assert paged == found, asked
                assert await other.images.page(**asked) == []

    asyncio.run(scenario())


@both
def test_a_deleted_image_is_found_by_no_word_and_none_is_kept(
    install: Install, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            ids = await furnish(me, tmp_path)
            await me.images.delete(ids["OAK 7"])
            assert [image.id for image in await me.images.page(search="table")] == [ids["Elm-S"]]
            async with staging.ports.database.read() as tx:
                kept = await tx.rows(
                    sa.select(tables.words.c.word).where(tables.words.c.image_id == ids["OAK 7"])
                )
            assert kept == []

    asyncio.run(scenario())


@both
def test_an_upload_is_found_by_its_name_within_a_project(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            elm, oak = await me.projects.create("elm"), await me.projects.create("oak")
            for project in (elm, oak):
                upload = await me.uploads.receive(sent(photo(1)), "Terrace 3.jpg")
                await me.images.submit(upload_id=upload.id, room="outdoor", project_id=project.id)
            assert len(await me.images.page(search="terr")) == 2
            (found,) = await me.images.page(search="terr 3", project_id=elm.id)
            assert found.project_id == elm.id

    asyncio.run(scenario())


@pytest.mark.parametrize("search", ["", " ", "a", "!?", "- _", "aa bb cc dd ee ff gg hh ii"])
def test_a_search_without_words_or_with_too_many_is_refused(install: Install, search: str) -> None:
    async def scenario() -> None:
        async with install() as staging:
            with pytest.raises(BadInput):
                await staging.acting_as(OWNER).images.page(search=search)

    asyncio.run(scenario())


@given(st.text(max_size=200))
def test_every_word_of_a_text_is_found_by_each_of_its_beginnings(text: str) -> None:
    for word in words_of(text):
        assert 2 <= len(word) <= 40
        assert words_of(word) == [word]
        assert asked_for(word) == [word]
