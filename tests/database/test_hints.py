"""An event of another process is seen at once: by a hint, on which no event depends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from staging_core import OWNER, JobEvent, Principal, Staging
from staging_core.database.folders import folder

from .conftest import Install
from .photos import photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture
def rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that nobody wakes look so seldom that a test would end first."""
    monkeypatch.setattr("staging_core.watch._POLL_S", 600.0)
    monkeypatch.setattr("staging_core.watch._HINTED_POLL_S", 600.0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def first_event(staging: Staging, account_id: str, *, after: int = 0) -> JobEvent:
    me = staging.acting_as(Principal(account_id=account_id))
    return await anext(me.events(after=after).__aiter__())


@both
def test_a_commit_of_this_process_wakes_its_own_accounts_streams_only(
    install: Install, rarely: None
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            mine = asyncio.create_task(first_event(staging, "local"))
            theirs = asyncio.create_task(first_event(staging, "others"))
            await until(lambda: len(staging._watch._waiting) == 2)  # type: ignore[union-attr]
            reads = await count_reads(staging)
            me = staging.acting_as(OWNER)
            await me.images.submit(photo(), room="bedroom", style="modern")
            assert (await asyncio.wait_for(mine, 10)).state == "queued"
            assert "others" not in reads
            theirs.cancel()

    asyncio.run(scenario())


async def count_reads(staging: Staging) -> list[str | None]:
    """The accounts of all transactions that read from now on."""
    await asyncio.sleep(0.3)
    database = staging.ports.database
    read, seen = database.read, []

    def noted(account_id: str | None = None) -> Any:
        seen.append(account_id)
        return read(account_id)

    database.read = noted  # type: ignore[method-assign]
    return seen


@on_postgresql
def test_a_commit_elsewhere_is_heard_of_and_again_after_the_listeners_connection_was_cut(
    install: Install, rarely: None
) -> None:
    async def scenario() -> None:
        async with install() as watching, install() as submitting:
            me = submitting.acting_as(OWNER)
            seen = asyncio.create_task(first_event(watching, "local"))
            await me.images.submit(photo(), room="bedroom", style="modern")
            event = await asyncio.wait_for(seen, 10)
            await cut_listeners(watching)
            seen = asyncio.create_task(first_event(watching, "local", after=event.position))
            await me.images.submit(photo(1), room="bedroom", style="modern")
            assert (await asyncio.wait_for(seen, 10)).position == event.position + 1

    asyncio.run(scenario())


async def cut_listeners(staging: Staging) -> None:
    import asyncpg

    url = staging.settings.database.replace("+asyncpg", "")
    connection = await asyncpg.connect(url)
    try:
        cut = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'staging listener'"
        )
        assert cut
    finally:
        await connection.close()


class Hub:
    """A queue's signals, as if they went around the world."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.listening: dict[str, list[asyncio.Event]] = {}

    async def poke(self, wake: object) -> None:
        """Sweeps find it."""

    async def signal(self, topic: str) -> None:
        self.sent.append(topic)
        for woken in self.listening.get(topic, ()):
            woken.set()

    async def listen(self, topic: str) -> Any:
        woken = asyncio.Event()
        self.listening.setdefault(topic, []).append(woken)
        while True:
            await woken.wait()
            woken.clear()
            yield


@both
def test_a_queue_that_has_signals_carries_them_one_for_a_commit(
    install: Install, rarely: None
) -> None:
    async def scenario() -> None:
        hub = Hub()
        async with install(queue=hub) as watching, install(queue=hub) as submitting:
            seen = asyncio.create_task(first_event(watching, "local"))
            await until(lambda: bool(hub.listening))
            me = submitting.acting_as(OWNER)
            await me.images.submit(photo(), room="bedroom", style="modern", variants=5)
            assert (await asyncio.wait_for(seen, 10)).state == "queued"
            assert hub.sent == [folder("local")]

    asyncio.run(scenario())


@both
def test_without_any_hint_a_stream_still_sees_every_event_soon(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_core.database.engine.Database.on_commit", lambda *_: None)
    monkeypatch.setattr("staging_core.watch._HINTED_POLL_S", 0.2)

    async def deaf(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("staging_core.database.postgres.Postgres.hear", deaf)

    async def scenario() -> None:
        async with install() as watching, install() as submitting:
            seen = asyncio.create_task(first_event(watching, "local"))
            began = time.monotonic()
            me = submitting.acting_as(OWNER)
            await me.images.submit(photo(), room="bedroom", style="modern")
            assert (await seen).state == "queued"
            assert time.monotonic() - began < 30

    asyncio.run(scenario())
