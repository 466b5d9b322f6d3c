"""A call that creates can be repeated under its key: it creates once, and tells what it created."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Acting, Image, Principal, Staging, repetition
from staging_core.audit import SOUND, Audit
from staging_core.creation import creating
from staging_core.database import tables
from staging_core.errors import (
    AlreadyCreated,
    AlreadyFinal,
    BadInput,
    CreatedThenDeleted,
    IdempotencyMismatch,
    InvalidIdempotencyKey,
    PictureUnsupported,
    StillRunning,
)
from staging_core.testing import FakeStager
from staging_core.testing.fake_script import Script

from .conftest import Install, in_the_process
from .pictures import photo, sent

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

ADA = Principal(account_id="ada-homes", user_id="ada")
WISH: dict[str, Any] = {"room": "bedroom", "style": "modern"}

Call = Callable[[Acting, str | None], Awaitable[Any]]


async def _presign(me: Acting, key: str | None) -> Any:
    upload, ticket = await me.uploads.presign(
        "room.jpg", "image/jpeg", len(photo(1)), idempotency_key=key
    )
    assert ticket.url
    return upload


CALLS: dict[str, Call] = {
    "project": lambda me, key: me.projects.create("Elm", idempotency_key=key),
    "order": lambda me, key: me.images.submit(photo(1), **WISH, idempotency_key=key),
    "announced upload": _presign,
    "streamed upload": lambda me, key: me.uploads.receive(
        sent(photo(1)), "room.jpg", idempotency_key=key
    ),
}
OTHERS: dict[str, Call] = {
    "project": lambda me, key: me.projects.create("Oak", idempotency_key=key),
    "order": lambda me, key: me.images.submit(photo(2), **WISH, idempotency_key=key),
    "announced upload": lambda me, key: me.uploads.presign(
        "room.jpg", "image/jpeg", 5, idempotency_key=key
    ),
    "streamed upload": lambda me, key: me.uploads.receive(
        sent(photo(2)), "room.jpg", idempotency_key=key
    ),
}


TABLES = {"project": tables.projects, "order": tables.groups}


async def counted(staging: Staging, name: str) -> int:
    """How much there is of what that call creates."""
    table = TABLES.get(name, tables.uploads)
    async with staging.ports.database.read() as tx:
        row = await tx.row(sa.select(sa.func.count().label("n")).select_from(table))
    assert row is not None
    return int(row["n"])


@pytest.mark.parametrize("name", CALLS)
def test_a_repeat_answers_what_was_created_and_creates_nothing(install: Install, name: str) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me, ada = staging.acting_as(OWNER), staging.acting_as(ADA)
            first = await CALLS[name](me, "key-1")
            again = await CALLS[name](me, "key-1")
            assert (first.replayed, again.replayed) == (False, True)
            assert again.id == first.id
            assert await counted(staging, name) == 1
            other = await CALLS[name](me, "key-2")
            theirs = await CALLS[name](ada, "key-1")
            keyless = await CALLS[name](me, None)
            assert len({first.id, other.id, theirs.id, keyless.id}) == 4
            assert not theirs.replayed
            with pytest.raises(IdempotencyMismatch) as caught:
                await OTHERS[name](me, "key-1")
            assert caught.value.status == 409
            assert await counted(staging, name) == 4

    asyncio.run(scenario())


async def _forgotten(staging: Staging, upload: Any) -> None:
    """Nobody used the upload in time."""
    mine = tables.uploads.c.id == upload.id
    async with staging.ports.database.write() as tx:
        await tx.execute(sa.update(tables.uploads).where(mine).values(expires_at=tx.now))


async def _deleted(staging: Staging, name: str, made: Any) -> None:
    me = staging.acting_as(OWNER)
    if name == "project":
        await me.projects.delete(made.id)
    elif name == "order":
        await me.images.delete(made.images[0].id)
    else:
        await _forgotten(staging, made)


@pytest.mark.parametrize("name", CALLS)
def test_what_was_deleted_meanwhile_is_neither_told_nor_created_again(
    install: Install, name: str
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            first = await CALLS[name](me, "key")
            await _deleted(staging, name, first)
            for _ in range(2):
                with pytest.raises(CreatedThenDeleted) as caught:
                    await CALLS[name](me, "key")
                assert caught.value.status == 409
                # Over HTTP the photo of an order is sent first, and has gone with the image.
                assert caught.value.id == first.id or (name == "order" and caught.value.id)
                assert "fresh key" in caught.value.remedy
            with pytest.raises(IdempotencyMismatch):
                await OTHERS[name](me, "key")
            assert (await CALLS[name](me, "key-2")).id != first.id

    asyncio.run(scenario())


@pytest.mark.parametrize("name", CALLS)
def test_of_many_at_once_one_creates(install: Install, name: str) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            told = await asyncio.gather(
                *(CALLS[name](me, "key") for _ in range(5)), return_exceptions=True
            )
            made = [each for each in told if not isinstance(each, BaseException)]
            rest = [each for each in told if isinstance(each, BaseException)]
            assert len({each.id for each in made}) == 1
            assert sum(not each.replayed for each in made) == 1
            assert all(isinstance(each, StillRunning) for each in rest)
            assert all(0 < each.retry_after_s <= 2 for each in rest)  # type: ignore[union-attr]
            assert await counted(staging, name) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 256, 7, b"k"])
@pytest.mark.parametrize("name", CALLS)
def test_a_key_that_is_none_is_refused(install: Install, name: str, key: Any) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(InvalidIdempotencyKey):
                await CALLS[name](me, key)
            assert await counted(staging, name) == 0

    asyncio.run(scenario())


def test_a_call_that_failed_gives_its_key_back(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(PictureUnsupported):
                await me.uploads.receive(sent(b"no photo"), "room.jpg", idempotency_key="key")
            upload = await me.uploads.receive(sent(photo(1)), "room.jpg", idempotency_key="key")
            assert not upload.replayed
            with pytest.raises(BadInput):
                await me.projects.create("", idempotency_key="other")
            assert not (await me.projects.create("Elm", idempotency_key="other")).replayed

    asyncio.run(scenario())


@pytest.mark.parametrize("first", CALLS)
def test_a_key_is_for_one_kind_of_call(install: Install, first: str) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me, ada = staging.acting_as(OWNER), staging.acting_as(ADA)
            made = await CALLS[first](me, "key")
            for name in CALLS.keys() - {first}:
                before = await counted(staging, name)
                with pytest.raises(IdempotencyMismatch):
                    await CALLS[name](me, "key")
                assert await counted(staging, name) == before
                assert not (await CALLS[name](ada, f"key of {name}".replace(" ", "-"))).replayed
            again = await CALLS[first](me, "key")
            assert (again.id, again.replayed) == (made.id, True)

    asyncio.run(scenario())


def test_a_key_of_an_order_is_none_of_a_batch_and_the_other_way_round(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            wish = {"photo": photo(1), **WISH}
            await CALLS["order"](me, "order")
            with pytest.raises(IdempotencyMismatch):
                await me.images.submit_many([wish], idempotency_key="order")
            await me.images.submit_many([wish], idempotency_key="batch")
            with pytest.raises(IdempotencyMismatch):
                await CALLS["order"](me, "batch")

    asyncio.run(scenario())


def test_an_order_may_have_the_key_of_a_call_that_is_forgotten(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            await CALLS["project"](me, "key")
            async with staging.ports.database.write() as tx:
                await tx.execute(sa.update(tables.creations).values(expires_at=tx.now))
            assert not (await CALLS["order"](me, "key")).replayed
            with pytest.raises(IdempotencyMismatch):
                await CALLS["project"](me, "key")
            assert (await CALLS["order"](me, "key")).replayed

    asyncio.run(scenario())


def test_a_key_is_forgotten_after_a_day(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            first = await me.projects.create("Elm", idempotency_key="key")
            async with staging.ports.database.write() as tx:
                late = sa.update(tables.creations).values(expires_at=tx.now)
                await tx.execute(late)
            second = await me.projects.create("Oak", idempotency_key="key")
            assert second.id != first.id
            async with staging.ports.database.write() as tx:
                await tx.execute(sa.update(tables.creations).values(expires_at=tx.now))
            await staging.sweep()
            async with staging.ports.database.read() as tx:
                assert await tx.rows(sa.select(tables.creations)) == []

    asyncio.run(scenario())


def test_a_call_whose_process_died_is_overtaken_when_its_time_is_over(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            ports = staging.ports
            held = partial(creating, ports, "local", route="projects.create", asked=["Elm"])
            async with held("young", lease_s=60):
                with pytest.raises(StillRunning) as caught:
                    await me.projects.create("Elm", idempotency_key="young")
                assert 0 < caught.value.retry_after_s <= 2

            over = held("key", lease_s=0)
            slow = await over.__aenter__()
            project = await me.projects.create("Elm", idempotency_key="key")
            with pytest.raises(StillRunning, match="overtaken"):
                async with ports.database.write("local") as tx:
                    await slow.keep(tx, ["another"])
            await over.__aexit__(None, None, None)
            again = await me.projects.create("Elm", idempotency_key="key")
            assert (again.id, again.replayed) == (project.id, True)

    asyncio.run(scenario())


def test_of_many_retries_at_one_moment_one_makes_a_job(install: Install) -> None:
    async def scenario() -> None:
        refuses = FakeStager(Script.parse("refused"))
        async with install(refuses) as staging, install(refuses) as other:
            ways = [staging.acting_as(OWNER), other.acting_as(OWNER)]
            for number in range(6):
                group = await ways[0].images.submit(photo(number), **WISH)
                await staging.run_worker(until_idle=True)
                clicks = (ways[n % 2].images.retry(group.images[0].id) for n in range(8))
                told = await asyncio.gather(*clicks, return_exceptions=True)
                assert sum(isinstance(one, Image) for one in told) == 1
                assert sum(isinstance(one, AlreadyFinal) for one in told) == 7
            assert len(await ways[0].jobs.page(limit=200)) == 12

    asyncio.run(scenario())


@in_the_process
def test_two_jobs_of_an_image_at_one_time_are_seen_by_the_audit(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unchecked(*_: object) -> None:
        """Whatever its job is at."""

    async def scenario() -> None:
        async with install() as staging:
            group = await staging.acting_as(OWNER).images.submit(photo(), **WISH)
            assert await Audit(staging.ports).count() == SOUND
            monkeypatch.setattr(repetition, "_check", unchecked)
            await staging.acting_as(OWNER).images.retry(group.images[0].id)
            assert await Audit(staging.ports).count() == {**SOUND, "I3": 1}

    asyncio.run(scenario())


def test_a_repeated_retry_makes_one_job(install: Install) -> None:
    async def scenario() -> None:
        async with install(FakeStager(Script.parse("refused"))) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(1), **WISH)
            await staging.run_worker(until_idle=True)
            image_id = group.images[0].id
            first = await me.images.retry(image_id, idempotency_key="again")
            again = await me.images.retry(image_id, idempotency_key="again")
            assert (first.replayed, again.replayed) == (False, True)
            assert first.job.id == again.job.id
            assert len(await me.jobs.page()) == 2
            with pytest.raises(AlreadyFinal):
                await me.images.retry(image_id, idempotency_key="later")

    asyncio.run(scenario())


def test_a_secret_is_told_once(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            made = await me.keys.create("robot", idempotency_key="key")
            with pytest.raises(AlreadyCreated) as caught:
                await me.keys.create("robot", idempotency_key="key")
            assert caught.value.id == made.key.id
            assert caught.value.status == 409
            with pytest.raises(IdempotencyMismatch):
                await me.keys.create("other robot", idempotency_key="key")
            assert len(await me.keys.page()) == 1

    asyncio.run(scenario())


def test_a_stream_is_told_apart_only_when_it_has_passed(install: Install) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield photo(1)
        raise ConnectionResetError("the client is gone")

    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(ConnectionResetError):
                await me.uploads.receive(endless(), "room.jpg", idempotency_key="key")
            first = None
            while first is None:
                with suppress(StillRunning):  # until the server has seen that the client is gone
                    first = await me.uploads.receive(
                        sent(photo(1)), "room.jpg", idempotency_key="key"
                    )
            again = await me.uploads.receive(sent(photo(1), 7), "room.jpg", idempotency_key="key")
            assert (again.id, again.replayed) == (first.id, True)
            with pytest.raises(IdempotencyMismatch):
                await me.uploads.receive(sent(photo(1)), "other.jpg", idempotency_key="key")

    asyncio.run(scenario())
