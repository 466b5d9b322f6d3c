"""A call whose answer is lost is sent again, and what it creates is created once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import Remote, Staging
from staging_core.database import tables
from staging_core.errors import AlreadyCreated, AlreadyFinal, NotFound, ServerUnreachable
from staging_core.testing import FakeStager
from staging_core.testing.fake_script import Script
from staging_core.testing.tcp_proxy import TcpProxy

from .conftest import House, Open
from .listening import photo

Call = Callable[[Remote], Awaitable[Any]]


@asynccontextmanager
async def through_a_proxy(at: House) -> AsyncIterator[tuple[Remote, TcpProxy]]:
    """A connection to the house through something that does harm."""
    async with (
        TcpProxy("127.0.0.1", at.port) as proxy,
        Staging.connect(f"http://127.0.0.1:{proxy.port}", token=at.token, timeout_s=10) as me,
    ):
        yield me, proxy


async def count(staging: Staging, table: sa.Table) -> int:
    async with staging.ports.database.read() as tx:
        return len(await tx.rows(sa.select(table)))


async def wish_file(me: Remote, path: Path) -> Any:
    await asyncio.to_thread(path.write_bytes, photo(3))
    return await me.images.submit(path, room="bedroom", variants=2)


def creating(folder: Path) -> dict[str, tuple[Call, sa.Table, int]]:
    """Calls that create, what they create, how many requests they take."""
    return {
        "a project": (lambda me: me.projects.create("Elm"), tables.projects, 1),
        "an order": (lambda me: wish_file(me, folder / "a.png"), tables.groups, 3),
        "a batch": (
            lambda me: me.images.submit_many([{"photo": photo(1)}, {"photo": photo(2)}]),
            tables.groups,
            5,
        ),
        "an announced upload": (
            lambda me: me.uploads.presign("a.png", "image/png", 100),
            tables.uploads,
            1,
        ),
    }


@pytest.mark.parametrize("name", creating(Path()))
@pytest.mark.parametrize("lost", [1, 2, 3, 4, 5])
def test_an_answer_that_is_lost_creates_nothing_twice(
    house: Open, tmp_path: Path, name: str, lost: int
) -> None:
    async def scenario() -> None:
        async with house(worker=False) as at, through_a_proxy(at) as (me, proxy):
            call, table, requests = creating(tmp_path)[name]
            await proxy.drop_answer(min(lost, requests))
            before = proxy.requests
            made = await call(me)
            assert proxy.requests >= before + requests
            expected = 2 if name == "a batch" else 1
            assert await count(at.staging, table) == expected
            first = made[0] if isinstance(made, (list, tuple)) else made
            assert not first.replayed

    asyncio.run(scenario())


def test_two_answers_that_are_lost_are_no_worse(house: Open) -> None:
    async def scenario() -> None:
        async with house() as at, through_a_proxy(at) as (me, proxy):
            await proxy.drop_answer(1)
            await proxy.drop_answer(2)
            project = await me.projects.create("Elm")
            assert await me.projects.page() == [project]

    asyncio.run(scenario())


def test_under_the_callers_own_key_a_repeat_is_told_as_one(house: Open) -> None:
    async def scenario() -> None:
        async with house() as at, through_a_proxy(at) as (me, _):
            first = await me.images.submit(photo(), idempotency_key="mine")
            again = await me.images.submit(photo(), idempotency_key="mine")
            assert (first.replayed, again.replayed) == (False, True)
            assert [image.id for image in again.images] == [image.id for image in first.images]

    asyncio.run(scenario())


def test_a_key_whose_answer_is_lost_is_named_so_that_it_can_be_revoked(house: Open) -> None:
    async def scenario() -> None:
        async with house() as at, through_a_proxy(at) as (me, proxy):
            await proxy.drop_answer()
            with pytest.raises(AlreadyCreated) as caught:
                await me.keys.create("robot", scopes=["images:read"])
            revoked = await me.keys.revoke(caught.value.id)
            assert revoked.name == "robot"
            assert revoked.revoked_at is not None

    asyncio.run(scenario())


def test_what_is_ended_twice_by_one_call_has_ended(house: Open) -> None:
    """Cancel, delete and revoke are sent again too, and their second try finds them done."""

    async def scenario() -> None:
        async with house(worker=False) as at, through_a_proxy(at) as (me, proxy):
            group = await me.images.submit(photo(), variants=2)
            one, two = group.images
            await proxy.drop_answer()
            assert (await me.images.cancel(one.id)).job.state == "cancelled"
            await proxy.drop_answer()
            assert (await me.jobs.cancel(two.job.id)).state == "cancelled"
            with pytest.raises(AlreadyFinal):
                await me.images.cancel(one.id)
            await proxy.drop_answer()
            await me.images.delete(one.id)
            with pytest.raises(NotFound):
                await me.images.delete(one.id)
            project = await me.projects.create("Elm")
            await proxy.drop_answer()
            await me.projects.delete(project.id)
            with pytest.raises(NotFound):
                await me.projects.delete(project.id)

    asyncio.run(scenario())


def test_a_retry_whose_answer_is_lost_makes_one_job(house: Open) -> None:
    async def scenario() -> None:
        stager = FakeStager(Script.parse("refused,ok"))
        async with house(stager=stager, worker=False) as at, through_a_proxy(at) as (me, proxy):
            group = await me.images.submit(photo())
            await at.staging.run_worker(until_idle=True)
            await proxy.drop_answer()
            image = await me.images.retry(group.images[0].id)
            assert not image.replayed
            assert len(await me.jobs.page()) == 2

    asyncio.run(scenario())


def test_a_stream_that_is_cut_is_not_sent_again_and_says_so(house: Open) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield photo()

    async def scenario() -> None:
        async with house() as at, through_a_proxy(at) as (me, proxy):
            await proxy.drop_answer()
            with pytest.raises(ServerUnreachable) as caught:
                await me.uploads.receive(chunks(), "a.png", idempotency_key="k")
            assert "presign" in caught.value.remedy
            again = await me.uploads.receive(chunks(), "a.png", idempotency_key="k")
            assert again.replayed

    asyncio.run(scenario())


def test_a_photo_goes_through_the_server_where_its_storage_cannot_be_reached(
    house: Open,
) -> None:
    async def scenario() -> None:
        # The server believes to be reached where nobody listens.
        async with (
            house(public_url="http://127.0.0.1:9", worker=False) as at,
            Staging.connect(at.url, token=at.token) as me,
        ):
            group = await me.images.submit(photo())
            assert await me.images.read(group.images[0].id, "original") == photo()

    asyncio.run(scenario())
