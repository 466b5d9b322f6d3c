"""Projects hold the images of a listing: named, listed, priced, and deleted with all they hold."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Principal, Project
from staging_core.database import tables
from staging_core.errors import BadInput, NotFound
from staging_core.models import ModelCard, Output, Staged
from staging_core.testing import FakeStager

from .conftest import Install
from .pictures import photo

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

ADA = Principal(account_id="ada-homes", user_id="ada")


def test_a_project_is_made_found_and_renamed(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(ADA)
            made = await me.projects.create("  12 Elm Street ")
            assert (made.name, made.account_id, made.user_id) == (
                "12 Elm Street",
                "ada-homes",
                "ada",
            )
            assert await me.projects.get(made.id) == made
            renamed = await me.projects.rename(made.id, "14 Elm Street")
            assert renamed.name == "14 Elm Street"
            assert await me.projects.get(made.id) == renamed
            assert renamed.created_at == made.created_at

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\0b", "line\nbreak", None, 7, b"x"])
def test_a_name_that_is_none_is_refused_and_nothing_is_made(install: Install, name: object) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            kept = await me.projects.create("x" * 100)
            told = "1 to 100|cannot be kept" if isinstance(name, str) else None
            with pytest.raises(BadInput, match=told):
                await me.projects.create(name)  # type: ignore[arg-type]
            with pytest.raises(BadInput, match=told):
                await me.projects.rename(kept.id, name)  # type: ignore[arg-type]
            assert await me.projects.page() == [kept]

    asyncio.run(scenario())


def test_projects_come_newest_first_page_by_page_without_a_gap(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            made = [await me.projects.create(f"{number}") for number in range(7)]
            seen: list[Project] = []
            page = await me.projects.page(limit=3)
            while page:
                seen += page
                page = await me.projects.page(limit=3, before=page[-1].place)
            assert seen == made[::-1]
            assert await me.projects.page(limit=2, before=made[2]) == [made[1], made[0]]
            for limit in (0, -1, 10_001):
                with pytest.raises(BadInput):
                    await me.projects.page(limit=limit)

    asyncio.run(scenario())


def test_a_project_that_is_not_there_is_not_found_whatever_is_asked(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            projects = staging.acting_as(OWNER).projects
            gone = await projects.create("gone")
            await projects.delete(gone.id)
            for project_id in (gone.id, "nobody-knows", ""):
                for asked in (
                    projects.get(project_id),
                    projects.rename(project_id, "x"),
                    projects.delete(project_id),
                    projects.cost(project_id),
                ):
                    with pytest.raises(NotFound):
                        await asked
            assert await projects.page() == []

    asyncio.run(scenario())


class Dear(FakeStager):
    """Charges a quarter for each picture."""

    card = ModelCard(id="dear", name="Dear")

    async def stage(self, *args: object) -> Staged:
        staged = await super().stage(*args)  # type: ignore[arg-type]
        return Staged(outputs=(Output(data=staged.outputs[0].data),), cost_usd=0.25)


def test_a_projects_cost_is_what_its_images_cost_and_stays_when_one_is_deleted(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install(Dear()) as staging:
            me = staging.acting_as(OWNER)
            listing = await me.projects.create("listing")
            empty = await me.projects.create("empty")
            wish = {"room": "bedroom", "style": "modern"}
            group = await me.images.submit(photo(), variants=2, project_id=listing.id, **wish)
            await me.images.submit(photo(), **wish)
            await staging.run_worker(until_idle=True)
            await me.images.delete(group.images[0].id)
            cost = await me.projects.cost(listing.id)
            assert (cost.total_usd, cost.images, cost.average_usd) == (0.5, 2, 0.25)
            nothing = await me.projects.cost(empty.id)
            assert (nothing.total_usd, nothing.images, nothing.average_usd) == (0.0, 0, 0.0)

    asyncio.run(scenario())


def test_an_image_is_submitted_into_a_project_of_its_own_account_only(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me, ada = staging.acting_as(OWNER), staging.acting_as(ADA)
            mine, hers = await me.projects.create("mine"), await ada.projects.create("hers")
            gone = await me.projects.create("gone")
            await me.projects.delete(gone.id)
            for project_id in (hers.id, gone.id, "nobody-knows"):
                with pytest.raises(NotFound):
                    await me.images.submit(
                        photo(), room="bedroom", style="modern", project_id=project_id
                    )
            assert await me.images.page() == await ada.images.page() == []
            group = await me.images.submit(
                photo(), room="bedroom", style="modern", project_id=mine.id
            )
            assert (await me.images.get(group.images[0].id)).project_id == mine.id

    asyncio.run(scenario())


def test_a_deleted_project_takes_its_images_with_it_and_no_others(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            listing = await me.projects.create("listing")
            wish = {"room": "bedroom", "style": "modern"}
            ready = await me.images.submit(photo(), project_id=listing.id, **wish)
            other = await me.images.submit(photo(1), **wish)
            await staging.run_worker(until_idle=True)
            waiting = await me.images.submit(photo(2), variants=3, project_id=listing.id, **wish)
            await me.projects.delete(listing.id)
            assert [image.id for image in await me.images.page()] == [other.images[0].id]
            for image in (*ready.images, *waiting.images):
                with pytest.raises(NotFound):
                    await me.images.get(image.id)
            async with staging.ports.database.read() as tx:
                states = await tx.rows(sa.select(tables.jobs.c.state))
            assert sorted(row["state"] for row in states) == ["cancelled"] * 3 + ["ready"] * 2
            assert await me.images.read(other.images[0].id)

    asyncio.run(scenario())


def test_a_project_with_very_many_images_is_hidden_at_once_and_cleared_by_sweeps(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            listing = await me.projects.create("listing")
            await me.images.submit(
                photo(), room="bedroom", style="modern", variants=5, project_id=listing.id
            )
            monkeypatch.setattr("staging_core.deletion._AT_ONCE", 2)
            await me.projects.delete(listing.id)
            assert await me.images.page() == []
            queued = [job.state for job in await staging.operating("Ada").jobs(state="queued")]
            assert len(queued) == 3
            cleared = [(await staging.sweep())["images_cleared"] for _ in range(3)]
            assert cleared == [2, 1, 0]
            assert await staging.operating("Ada").jobs(state="queued") == []

    asyncio.run(scenario())
