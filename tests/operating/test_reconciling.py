"""Images are compared with the storage: only what is certainly gone is marked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from staging_core import Image, Staging
from staging_core.audit import SOUND, Audit
from staging_core.database import accounts, jobs
from staging_core.database.ledger import give_back
from staging_core.database.tables import balances, ledger
from staging_core.errors import StorageDenied, StorageUnreachable
from staging_core.models import Reconciled

from .house import ADA, OPERATOR, WISH, installed, photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def staged(staging: Staging, number: int = 0, **wish: Any) -> Image:
    """An image that is ready."""
    me = staging.acting_as(ADA)
    group = await me.images.submit(photo(number), **{**WISH, **wish})
    await staging.run_worker(until_idle=True)
    return await me.images.get(group.images[0].id)


async def lose(staging: Staging, key: str | None) -> None:
    assert key is not None
    await staging.ports.storage.delete(key)


async def reconciled(staging: Staging, **which: Any) -> Reconciled:
    return await staging.operating_as(OPERATOR).reconcile(**which)


@both
def test_an_image_whose_picture_is_gone_is_marked_and_can_be_retried(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", **database) as staging:
            me = staging.acting_as(ADA)
            gone, whole = await staged(staging), await staged(staging, 1)
            await lose(staging, gone.staged_key)
            seen = await reconciled(staging)
            assert (seen.dry_run, seen.checked, seen.missing_staged, seen.updated) == (
                True,
                2,
                1,
                0,
            )
            assert seen.examples == (gone.id,)
            assert (await me.images.get(gone.id)).job.state == "ready"
            done = await reconciled(staging, dry_run=False)
            assert (done.missing_staged, done.updated) == (1, 1)
            marked = await me.images.get(gone.id)
            assert (marked.job.state, marked.job.error) == ("error", "object_missing")
            assert marked.staged_key is None
            assert await me.images.get(whole.id) == whole
            (entry,) = await staging.operating_as(OPERATOR).audit_log.page()
            assert (entry.action, entry.target) == ("image.reconciled", gone.id)
            again = await reconciled(staging, dry_run=False)
            assert (again.missing_staged, again.updated) == (0, 0)
            await me.images.retry(gone.id)
            await staging.run_worker(until_idle=True)
            assert (await me.images.get(gone.id)).job.state == "ready"
            await staging.sweep(bucket=True)
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


class Silent:
    """A storage that says of no object whether it is there."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    async def stat(self, key: str) -> None:
        if self.error is None:
            await asyncio.Event().wait()
        else:
            raise self.error


@pytest.mark.parametrize("error", [StorageDenied(), StorageUnreachable(), OSError(), None])
def test_what_nobody_can_tell_marks_nothing(
    tmp_path: Path, error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Denied, unreachable, broken, or without an answer."""
    monkeypatch.setattr("staging_core.reconcile._LOOK_S", 0.05)

    async def scenario() -> None:
        async with installed(tmp_path, "fake:") as staging:
            image = await staged(staging)
            operating = staging.operating_as(OPERATOR)
            operating._ports = replace(staging.ports, storage=cast("Any", Silent(error)))
            done = await operating.reconcile(dry_run=False)
            assert (done.cannot_tell, done.missing_staged, done.updated) == (1, 0, 0)
            assert await staging.acting_as(ADA).images.get(image.id) == image

    asyncio.run(scenario())


@both
def test_a_missing_original_is_told_and_marks_nothing(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", **database) as staging:
            image = await staged(staging)
            await lose(staging, image.original_key)
            done = await reconciled(staging, dry_run=False)
            assert (done.missing_original, done.missing_staged, done.updated) == (1, 0, 0)
            assert (await staging.acting_as(ADA).images.get(image.id)).job.state == "ready"

    asyncio.run(scenario())


def test_an_image_that_changes_meanwhile_is_left_alone(tmp_path: Path) -> None:
    class Deletes:
        """A storage during whose answer the image's owner deletes it."""

        def __init__(self, staging: Staging, image_id: str) -> None:
            self.staging, self.image_id = staging, image_id

        async def stat(self, key: str) -> None:
            with_it = self.staging.acting_as(ADA).images
            if key.startswith("staged/"):
                await with_it.delete(self.image_id)

    async def scenario() -> None:
        async with installed(tmp_path, "fake:") as staging:
            image = await staged(staging)
            operating = staging.operating_as(OPERATOR)
            storage = cast("Any", Deletes(staging, image.id))
            operating._ports = replace(staging.ports, storage=storage)
            done = await operating.reconcile(dry_run=False)
            assert (done.missing_staged, done.updated) == (1, 0)

    asyncio.run(scenario())


@both
def test_all_images_are_gone_through_in_parts_and_some_by_what_they_are(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", **database) as staging:
            project = await staging.acting_as(ADA).projects.create("Villa")
            for number in range(3):
                await staged(staging, number)
            await staged(staging, 3, project_id=project.id)
            await staging.acting_as(ADA).images.submit(photo(4), **WISH)
            parts, after = [], None
            while True:
                part = await reconciled(staging, limit=2, after=after)
                parts.append(part.checked)
                if (after := part.after) is None:
                    break
            assert parts == [2, 2, 1]
            assert (await reconciled(staging, project_id=project.id)).checked == 1
            assert (await reconciled(staging, status="queued")).checked == 1
            assert (await reconciled(staging, status="error")).checked == 0

    asyncio.run(scenario())


PAID: dict[str, Any] = {"billing": "plans:", "plans": {"free": {"images": 3}}}


@both
def test_what_a_lost_picture_took_is_given_back_once_each_time(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", **PAID, **database) as staging:
            me = staging.acting_as(ADA)
            first = await staged(staging)
            await lose(staging, first.staged_key)
            await reconciled(staging)
            assert (await me.usage()).remaining == 2  # it only looked
            marks = [reconciled(staging, dry_run=False) for _ in range(4)]
            assert sum(done.updated for done in await asyncio.gather(*marks)) == 1
            assert (await me.usage()).remaining == 3
            (entry, *_) = await me.billing.entries()
            assert (entry.kind, entry.balance, entry.images) == ("adjust", "credits", 1)
            assert (entry.id, entry.job_id) == (f"lost-{first.job.id}", first.job.id)
            assert await Audit(staging.ports).count() == SOUND

            await me.images.retry(first.id)
            await staging.run_worker(until_idle=True)
            second = await me.images.get(first.id)
            assert (await me.usage()).remaining == 2
            await lose(staging, second.staged_key)
            await reconciled(staging, dry_run=False)
            usage = await me.usage()
            assert (usage.used, usage.remaining) == (2, 3)
            await staging.sweep(bucket=True)
            assert await Audit(staging.ports).count() == SOUND

    asyncio.run(scenario())


def test_what_took_nothing_is_not_given_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:") as staging:
            await lose(staging, (await staged(staging)).staged_key)
            assert (await reconciled(staging, dry_run=False)).updated == 1
            assert await staging.acting_as(ADA).billing.entries() == []

    asyncio.run(scenario())


async def forget(staging: Staging, lost: Image) -> None:
    """Nothing was given back."""
    async with staging.ports.database.write() as tx:
        await tx.execute(sa.delete(ledger).where(ledger.c.id == f"lost-{lost.job.id}"))
        await tx.execute(
            sa.update(balances).values(available=0).where(balances.c.name == "credits")
        )


async def give_back_more(staging: Staging, lost: Image) -> None:
    """What is there is given back as well."""
    whole = await staged(staging, 1)
    async with staging.ports.database.write(ADA.account_id) as tx:
        await accounts.hold(tx, ADA.account_id)
        assert await give_back(tx, await jobs.seen(tx, whole.job.id))


@pytest.mark.parametrize("wrong", [forget, give_back_more])
@both
def test_the_audit_sees_what_is_given_back_wrongly(
    tmp_path: Path, database: dict[str, Any], wrong: Callable[[Staging, Image], Awaitable[None]]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", **PAID, **database) as staging:
            image = await staged(staging)
            await lose(staging, image.staged_key)
            await reconciled(staging, dry_run=False)
            await wrong(staging, image)
            assert await Audit(staging.ports).count() == {**SOUND, "I2": 1}

    asyncio.run(scenario())
