"""What one process commits, another tells its followers: without a look at the rows, if it can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from staging_core import OWNER, Group, Staging
from staging_core.database import jobs, streams
from staging_core.database.events import draft
from staging_core.database.streams import Scope
from staging_core.follower import update
from staging_core.models import Update
from staging_core.testing.servers.redis import RedisServer, redis_server

from .conftest import Install
from .pictures import photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@pytest.fixture(autouse=True)
def rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks on its own before the test is over."""
    monkeypatch.setattr("staging_core.watch._HINTED_POLL_S", 600.0)


@asynccontextmanager
async def two_processes(
    install: Install, server: RedisServer, **other: Any
) -> AsyncIterator[tuple[Staging, Staging]]:
    """One that commits and one that has followers. ``other``: the second one's settings."""
    async with (
        install(worker=False, queue=server.url) as writer,
        install(worker=False, queue=server.url, **other) as reader,
    ):
        yield writer, reader


class Following:
    """A follower that is level, in a process that hears signals; ``reads``: of rows, from then."""

    def __init__(self) -> None:
        self.reads = 0
        self.woken = asyncio.Event()

    async def begin(self, staging: Staging, server: RedisServer) -> None:
        """Follow the owner's account."""
        self._follower, _ = await staging.acting_as(OWNER).follow(self.woken.set)
        live = staging._live
        assert live is not None
        channel = "staging:signals"
        await until(lambda: server.ask("PUBSUB", "NUMSUB", channel).endswith(b":1\r\n"))
        await until(lambda: not live._marked)
        assert await self._follower.take() == []
        read = live._read_batch

        async def counted(batch: list[str]) -> None:
            self.reads += 1
            await read(batch)

        live._read_batch = counted  # type: ignore[method-assign]

    async def told(self, number: int) -> list[Update]:
        """So many, as soon as there are."""
        found: list[Update] = []
        async with asyncio.timeout(30):
            while len(found) < number:
                self.woken.clear()
                taken = await self._follower.take()
                found += taken
                if not taken:
                    await self.woken.wait()
        return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def ordered(staging: Staging) -> Group:
    return await staging.acting_as(OWNER).images.submit(photo(), room="bedroom", style="modern")


async def progress(staging: Staging, group: Group, *seqs: int, phase: str = "drawing") -> None:
    """Events of the group's job, in one commit."""
    async with staging.ports.database.write(group.account_id) as tx:
        row = await jobs.fetch(tx, group.account_id, group.images[0].job.id)
        for seq in seqs:
            tx.tell(draft({**row, "seq": seq}, row["state"], "progress", phase=phase))


async def rows(staging: Staging, group: Group) -> list[Update]:
    """What followers are to be told, as the table has it."""
    position = (await staging.acting_as(OWNER).jobs.history(group.images[0].job.id))[-1].position
    scope = Scope(account_id=group.account_id)
    async with staging.ports.database.read(group.account_id) as tx:
        found = await streams.since(tx, scope, 0, position)
    return [update(each.event, each.trace) for each in found]


@both
def test_what_another_process_committed_is_told_as_the_rows_say_without_reading_them(
    install: Install, server: RedisServer
) -> None:
    async def scenario() -> None:
        async with two_processes(install, server) as (writer, reader):
            follower = Following()
            await follower.begin(reader, server)
            group = await ordered(writer)
            told = await follower.told(1)
            await progress(writer, group, 2, 3)
            told += await follower.told(2)
            assert told == await rows(reader, group)
            assert follower.reads == 0

    asyncio.run(scenario())


def test_what_is_too_much_to_carry_is_read(install: Install, server: RedisServer) -> None:
    async def scenario() -> None:
        async with two_processes(install, server) as (writer, reader):
            group = await ordered(writer)
            follower = Following()
            await follower.begin(reader, server)
            await progress(writer, group, 2, phase="x" * 70_000)
            assert [each.seq for each in await follower.told(1)] == [2]
            assert follower.reads == 1

    asyncio.run(scenario())


def test_processes_with_different_keys_read_the_rows(install: Install, server: RedisServer) -> None:
    async def scenario() -> None:
        other = {"secret_key": "another key than the home has"}  # pragma: allowlist secret
        async with two_processes(install, server, **other) as (writer, reader):
            follower = Following()
            await follower.begin(reader, server)
            await ordered(writer)
            assert [each.seq for each in await follower.told(1)] == [1]
            assert follower.reads == 1

    asyncio.run(scenario())


@both
def test_a_process_tells_its_own_commits_without_reading_the_rows(
    install: Install, server: RedisServer
) -> None:
    async def scenario() -> None:
        async with install(worker=False, queue=server.url) as staging:
            follower = Following()
            await follower.begin(staging, server)
            group = await ordered(staging)
            await progress(staging, group, 2)
            assert await follower.told(2) == await rows(staging, group)
            assert follower.reads == 0

    asyncio.run(scenario())


def test_who_is_woken_by_a_commit_is_no_part_of_what_committed(install: Install) -> None:
    within: ContextVar[str] = ContextVar("within", default="nothing")
    seen: list[str] = []

    async def scenario() -> None:
        async with install(worker=False) as staging:
            follower, _ = await staging.acting_as(OWNER).follow(lambda: seen.append(within.get()))
            assert await follower.take() == []
            within.set("the commit")
            await ordered(staging)
            assert [each.seq for each in await follower.take()] == [1]

    asyncio.run(scenario())
    assert seen == ["nothing"]


def test_one_that_cannot_be_woken_costs_neither_the_commit_nor_the_others(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise LookupError("a page that is gone")

    async def scenario() -> None:
        async with install(worker=False) as staging:
            me = staging.acting_as(OWNER)
            followers = [(await me.follow(wake))[0] for wake in (fail, lambda: None, fail)]
            assert [await each.take() for each in followers] == [[], [], []]
            await ordered(staging)
            for follower in followers:
                assert [each.seq for each in await follower.take()] == [1]

    asyncio.run(scenario())
    assert "could not be woken" in caplog.text
