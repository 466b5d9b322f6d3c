"""Lists of images: by project, state and style, page by page, and by the original."""

from __future__ import annotations

import asyncio
from importlib import import_module
from itertools import pairwise
from typing import Any

import pytest

from staging_core import OWNER, Acting, Image
from staging_core.errors import BadInput, NotFound, UnknownStyle
from staging_core.models import Place
from staging_core.testing import FakeStager
from staging_core.testing.fake_script import Script

from .conftest import Install
from .pictures import photo

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def all_pages(me: Acting, *, limit: int = 2, **wanted: Any) -> list[Image]:
    """Every image of the list, read in pages by the place of the last one seen."""
    seen: list[Image] = []
    page = await me.images.page(limit=limit, **wanted)
    while page:
        seen += page
        by_job = "state" in wanted or "status" in wanted
        place = page[-1].job.place if by_job else page[-1].place
        page = await me.images.page(limit=limit, before=place, **wanted)
    return seen


async def furnish(me: Acting, run: Any) -> dict[str, list[str]]:
    """Images of two projects and of none, of two styles, in three states; their ids by a word."""
    listings = [await me.projects.create(name) for name in ("elm", "oak")]
    ids: dict[str, list[str]] = {}
    for number in range(9):
        project = [*listings, None][number % 3]
        style = ("modern", "japandi")[number % 2]
        group = await me.images.submit(
            photo(number % 4),
            room="bedroom",
            style=style,
            project_id=None if project is None else project.id,
        )
        words = [style, "all", *([] if project is None else [project.id])]
        if number == 4:
            await run()
        state = "ready" if number <= 4 else "queued"
        if number == 5:
            await me.images.cancel(group.images[0].id)
            state = "cancelled"
        for word in [*words, state, f"{state} {style}", f"{state} {words[-1]}"]:
            ids.setdefault(word, []).insert(0, group.images[0].id)
    return ids


def test_a_list_has_what_was_asked_for_newest_first_on_pages_of_any_length(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            ids = await furnish(me, lambda: staging.run_worker(until_idle=True))
            elm = (await me.projects.page())[-1].id
            lists: dict[str, dict[str, Any]] = {
                "all": {},
                "modern": {"style": "modern"},
                elm: {"project_id": elm},
                "ready": {"state": "ready"},
                "queued": {"status": "queued"},
                "cancelled": {"status": "error"},
                "ready japandi": {"state": "ready", "style": "japandi"},
                f"queued {elm}": {"state": "queued", "project_id": elm},
            }
            for name, wanted in lists.items():
                for limit in (1, 2, 50):
                    found = await all_pages(me, limit=limit, **wanted)
                    assert [image.id for image in found] == ids[name], (name, limit)
                oldest = await all_pages(me, sort="oldest", **wanted)
                assert [image.id for image in oldest] == ids[name][::-1], name
            several = await me.images.page(state=("ready", "cancelled"))
            assert {image.id for image in several} == {*ids["ready"], *ids["cancelled"]}
            assert await me.images.page(status="processing") == []
            assert await me.images.page(project_id="nobody-knows") == []

    asyncio.run(scenario())


def test_what_no_list_can_be_asked_for_is_refused(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            images = staging.acting_as(OWNER).images
            wrong: list[dict[str, Any]] = [
                {"state": "asleep"},
                {"status": "asleep"},
                {"state": "ready", "status": "queued"},
                {"sort": "loudest"},
                {"limit": 0},
            ]
            for asked in wrong:
                with pytest.raises(BadInput):
                    await images.page(**asked)
            with pytest.raises(UnknownStyle):
                await images.page(style="gothic")

    asyncio.run(scenario())


def test_an_image_that_was_tried_again_is_in_the_list_of_its_state_once(install: Install) -> None:
    async def scenario() -> None:
        script = Script.parse("refused,ok")
        async with install(FakeStager(script)) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            await staging.run_worker(until_idle=True)
            assert [image.id for image in await me.images.page(state="error")] == [
                group.images[0].id
            ]
            await me.images.retry(group.images[0].id)
            assert await me.images.page(state="error") == []
            await staging.run_worker(until_idle=True)
            assert len(await me.images.page(state=("error", "ready"))) == 1

    asyncio.run(scenario())


def test_images_of_one_original_stand_together_and_originals_come_newest_first(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            listing = await me.projects.create("listing")
            made = []
            for number, style in ((0, "modern"), (1, "modern"), (0, "japandi"), (2, "luxury")):
                group = await me.images.submit(
                    photo(number), room="bedroom", style=style, project_id=listing.id
                )
                made.append(group.images[0].id)
            await me.images.submit(photo(0), room="bedroom", style="coastal")
            groups = await me.images.by_original(listing.id)
            ids = [[image.id for image in group] for group in groups]
            assert ids == [[made[3]], [made[1]], [made[0], made[2]]]
            place: Place | None = None
            paged = []
            while page := await me.images.by_original(listing.id, limit=1, before=place):
                paged += page
                place = page[-1][0].place
            assert paged == groups
            await me.images.delete(made[0])
            groups = await me.images.by_original(listing.id)
            assert [[image.id for image in group] for group in groups] == [
                [made[3]],
                [made[2]],
                [made[1]],
            ]
            with pytest.raises(NotFound):
                await me.images.by_original("nobody-knows")

    asyncio.run(scenario())


def test_of_an_original_with_very_many_images_the_first_and_the_newest_are_told(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_core.database.image_lists.MOST_OF_ONE", 3)
    for module in ("staging_core.database.image_lists", "staging_embed.routes.projects"):
        monkeypatch.setattr(import_module(module), "FULL", 4)

    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            listing = await me.projects.create("listing")
            made = []
            for number in range(3):
                for style in ("modern", "japandi", "luxury", "coastal")[: 4 - number]:
                    group = await me.images.submit(
                        photo(number), room="bedroom", style=style, project_id=listing.id
                    )
                    made.append(group.images[0].id)
            place: Place | None = None
            pages = []
            while page := await me.images.by_original(listing.id, before=place):
                pages += [[image.id for image in group] for group in page]
                place = page[-1][0].place
            assert pages == [made[7:9], made[4:7], [made[0], made[2], made[3]]]

    asyncio.run(scenario())


def test_an_images_history_is_paged_and_spans_all_its_jobs(install: Install) -> None:
    async def scenario() -> None:
        async with install(FakeStager(Script.parse("refused,ok"))) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            other = await me.images.submit(photo(1), room="bedroom", style="modern")
            await staging.run_worker(until_idle=True)
            await me.images.retry(group.images[0].id)
            await staging.run_worker(until_idle=True)
            whole = await me.images.history(group.images[0].id, limit=100)
            assert {event.image_id for event in whole} == {group.images[0].id}
            assert len({event.job_id for event in whole}) == 2
            assert all(one.position < next_.position for one, next_ in pairwise(whole))
            assert [event.state for event in whole if event.seq == 1] == ["queued", "queued"]
            paged, after = [], 0
            while page := await me.images.history(group.images[0].id, after=after, limit=2):
                paged += page
                after = page[-1].position
            assert paged == whole
            assert await me.images.history(other.images[0].id) != []
            with pytest.raises(NotFound):
                await me.images.history("nobody-knows")

    asyncio.run(scenario())
