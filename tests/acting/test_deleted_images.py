"""A deleted image is gone everywhere at once; soon its objects are, and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Acting, Group, JobEvent, Staging, hookimpl
from staging_core.audit import SOUND, Audit
from staging_core.database import tables
from staging_core.errors import NotFound
from staging_core.submission import Submission
from staging_core.testing import FakeStager
from staging_core.testing.fake_script import Script

from .conftest import Install
from .pictures import photo

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def objects(staging: Staging) -> set[str]:
    return {entry.key async for entry in staging.ports.storage.entries("")}


async def swept(staging: Staging) -> set[str]:
    """What lies in the storage when sweeps have done what there is to do."""
    for _ in range(3):
        await staging.sweep()
    return await objects(staging)


async def staged(staging: Staging, me: Acting, number: int = 0, **wish: Any) -> Group:
    group = await me.images.submit(photo(number), room="bedroom", style="modern", **wish)
    await staging.run_worker(until_idle=True)
    return await me.images.group(group.id)


Call = Callable[[Acting, Group], Awaitable[Any]]

CALLS: dict[str, Call] = {
    "get": lambda me, group: me.images.get(group.images[0].id),
    "group": lambda me, group: me.images.group(group.id),
    "read": lambda me, group: me.images.read(group.images[0].id),
    "original": lambda me, group: me.images.read(group.images[0].id, "original"),
    "history": lambda me, group: me.images.history(group.images[0].id),
    "retry": lambda me, group: me.images.retry(group.images[0].id),
    "cancel": lambda me, group: me.images.cancel(group.images[0].id),
    "delete": lambda me, group: me.images.delete(group.images[0].id),
    "job": lambda me, group: me.jobs.get(group.images[0].job.id),
    "cancel its job": lambda me, group: me.jobs.cancel(group.images[0].job.id),
}


def test_whatever_is_asked_of_a_deleted_image_it_is_not_found(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            group, other = await staged(staging, me), await staged(staging, me, 1)
            await me.images.delete(group.images[0].id)
            for name, call in CALLS.items():
                with pytest.raises(NotFound):
                    pytest.fail(f"{name}: {await call(me, group)}")
            job = group.images[0].job.id
            assert await me.jobs.attempts(job) == await me.jobs.history(job) == []
            assert [event async for event in me.events(group)] == []
            assert [image.id for image in await me.images.page()] == [other.images[0].id]
            assert [job.id for job in await me.jobs.page()] == [other.images[0].job.id]
            async for event in me.events():
                assert event.image_id == other.images[0].id
                if event.state == "ready":
                    break

    asyncio.run(scenario())


def test_who_follows_hears_of_the_end_and_who_comes_later_of_nothing(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            image_id = group.images[0].id
            updates = me.updates()
            assert (await anext(updates)).snapshot
            await me.images.delete(image_id)
            assert (await anext(updates)).state == "cancelled"
            await updates.aclose()  # type: ignore[attr-defined]
            with pytest.raises(NotFound):
                await anext(me.updates(image_id=image_id))
            later = await me.images.submit(photo(), room="bedroom", style="modern")
            updates = me.updates(after=0)
            told = [await anext(updates), await anext(updates)]
            await updates.aclose()  # type: ignore[attr-defined]
            assert {update.image_id for update in told} == {later.images[0].id}

    asyncio.run(scenario())


def test_its_objects_go_and_what_another_image_uses_stays(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            first, second = await staged(staging, me), await staged(staging, me)
            assert first.images[0].original_key == second.images[0].original_key
            await me.images.delete(first.images[0].id)
            left = await swept(staging)
            assert first.images[0].staged_key not in left
            assert {second.images[0].staged_key, second.images[0].original_key} <= left
            assert await me.images.read(second.images[0].id, "original") == photo()
            await me.images.delete(second.images[0].id)
            assert await swept(staging) == set()
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_a_photo_whose_images_are_all_deleted_can_be_submitted_anew(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            first = await staged(staging, me)
            await me.images.delete(first.images[0].id)
            again = await staged(staging, me)
            assert again.images[0].job.state == "ready"
            await swept(staging)
            assert await me.images.read(again.images[0].id, "original") == photo()
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_an_original_that_goes_while_it_is_submitted_again_is_kept_anew(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look for the original and the acceptance, the last image of it is deleted."""

    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            first = await staged(staging, me)
            accept = Submission._accept

            async def delete_first(*args: Any) -> Any:
                monkeypatch.undo()
                await me.images.delete(first.images[0].id)
                return await accept(*args)

            monkeypatch.setattr(Submission, "_accept", delete_first)
            again = await staged(staging, me)
            assert again.images[0].job.state == "ready"
            await swept(staging)
            assert await me.images.read(again.images[0].id, "original") == photo()
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_a_job_that_runs_is_cancelled_and_leaves_nothing(install: Install) -> None:
    async def scenario() -> None:
        hanging = FakeStager(Script.parse("hangs"))
        async with install(hanging) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            working = asyncio.create_task(staging.run_worker(until_idle=True))
            await hanging.called.wait()
            await me.images.delete(group.images[0].id)
            await working
            (job,) = await staging.operating("Ada").jobs()
            assert job.state == "cancelled"
            assert await swept(staging) == set()

    asyncio.run(scenario())


def test_what_a_person_wrote_goes_and_what_it_cost_stays(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            group = await staged(staging, me, prompt="Grandmother's armchair by the window")
            await me.images.delete(group.images[0].id)
            async with staging.ports.database.read() as tx:
                (row,) = await tx.rows(sa.select(tables.images))
            assert "armchair" not in str(dict(row))
            assert (await staging.operating("Ada").job(group.images[0].job.id)).state == "ready"

    asyncio.run(scenario())


class Watcher:
    def __init__(self) -> None:
        self.seen: list[JobEvent] = []

    @hookimpl
    def staging_job_event(self, event: JobEvent) -> None:
        self.seen.append(event)


def test_plugins_that_watch_see_how_a_deleted_images_job_ended(install: Install) -> None:
    async def scenario() -> None:
        watcher = Watcher()
        async with install(plugins=(watcher,)) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            await me.images.delete(group.images[0].id)
            await staging.sweep()
            assert [event.state for event in watcher.seen] == ["queued", "cancelled"]

    asyncio.run(scenario())


def test_one_of_two_deletes_at_once_finds_the_image_and_nothing_goes_wrong(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), room="bedroom", style="modern", variants=4)
            told = await asyncio.gather(
                *(me.images.delete(image.id) for image in group.images for _ in range(3)),
                return_exceptions=True,
            )
            assert told.count(None) == 4
            assert sum(isinstance(each, NotFound) for each in told) == 8
            assert await swept(staging) == set()
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())
