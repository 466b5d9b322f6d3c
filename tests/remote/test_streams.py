"""Events and updates come in order and without a gap, whatever happens to connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from staging_core import Group, Remote, Staging, follower
from staging_core.errors import NotFound, ServerUnreachable, Unauthorized, Unsupported
from staging_core.models import EventPage, JobEvent, Update
from staging_core.remote.stream import EventStream
from staging_core.testing.tcp_proxy import TcpProxy

from .conftest import House, Open
from .listening import photo


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


async def positions(at: House, group: Group) -> list[int]:
    page = await at.me.read_events(group.id)
    return [event.position for event in page.events]


async def all_of(stream: Any) -> list[Any]:
    async with aclosing(stream):
        return [each async for each in stream]


def test_events_of_a_group_end_when_its_jobs_have(house: Open) -> None:
    async def scenario() -> None:
        async with house() as at, Staging.connect(at.url, token=at.token) as me:
            group = await me.images.submit(photo(), variants=3)
            events: list[JobEvent] = await all_of(me.events(group))
            assert events == await all_of(at.me.events(group))
            assert [event.position for event in events] == await positions(at, group)
            assert sum(event.state == "ready" for event in events) == 3
            rest = await all_of(me.events(group, after=events[2].position))
            assert rest == events[3:]
            assert await me.wait(group) == await at.me.images.group(group.id)

    asyncio.run(scenario())


@pytest.mark.parametrize("late", range(6))
def test_rows_that_are_read_before_their_hint_comes_end_the_stream_all_the_same(
    house: Open, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    """Between a hint and the reading of the log any number of rows may be added, the last too."""

    async def scenario() -> None:
        async with house() as at, Staging.connect(at.url, token=at.token) as me:
            group = await me.wait(await me.images.submit(photo()))
            rows = (await at.me.read_events(group.id)).events
            known = [1, 1 + late]

            async def read(self: Remote, group_id: str | None = None, *, after: int = 0) -> Any:
                told = tuple(row for row in rows[: known[0]] if row.position > after)
                return EventPage(events=told, settled=known[0] == len(rows))

            async def hints(self: EventStream) -> AsyncIterator[Update | None]:
                yield None
                for row in rows[1:]:
                    known[0] = min(len(rows), known[0] + known[1])
                    yield follower.update(row)
                raise AssertionError("nobody hears of the end")

            monkeypatch.setattr(Remote, "read_events", read)
            monkeypatch.setattr(EventStream, "updates", hints)
            async with asyncio.timeout(10):
                assert await all_of(me.events(group)) == list(rows)

    asyncio.run(scenario())


def test_a_server_that_is_restarted_while_somebody_waits_costs_no_event(house: Open) -> None:
    async def scenario() -> None:
        port = free_port()
        async with house(port=port, worker=False) as at:
            token, url = at.token, at.url
            group = await at.me.images.submit(photo(), room="bedroom", variants=2)
        async with house(port=port, worker=False) as at:
            connection = Staging.connect(url, token=token, timeout_s=10)
            me = await connection.__aenter__()
            updates = me.updates(group_id=group.id)
            told: list[Update] = [await anext(updates), await anext(updates)]
            waiting = asyncio.create_task(me.wait(group))
            rest = asyncio.create_task(until_ready(updates, 2))
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.3)  # nobody is there
        async with house(port=port, worker=True) as at:
            async with asyncio.timeout(30):
                told += await rest
                waited = await waiting
            assert {image.job.state for image in waited.images} == {"ready"}
            seen = [each.position for each in told if not each.snapshot]
            since = [each for each in await positions(at, group) if each > told[0].position]
            assert seen == since
            assert sum(each.snapshot for each in told) == 2
            await updates.aclose()  # type: ignore[attr-defined]
            await connection.__aexit__(None, None, None)

    asyncio.run(scenario())


async def until_ready(updates: AsyncIterator[Update], images: int) -> list[Update]:
    told: list[Update] = []
    while sum(each.state == "ready" for each in told) < images:
        told.append(await anext(updates))
    return told


@pytest.mark.parametrize("way", ["cut", "half_close"])
def test_a_line_that_is_cut_again_and_again_costs_no_event(house: Open, way: str) -> None:
    async def scenario() -> None:
        async with (
            house(worker=False) as at,
            TcpProxy("127.0.0.1", at.port) as proxy,
            Staging.connect(f"http://127.0.0.1:{proxy.port}", token=at.token) as me,
        ):
            everything = me.events()
            updates = me.updates()
            first = await at.me.images.submit(photo())
            assert (await anext(updates)).snapshot
            seen: list[int] = [(await anext(everything)).position]

            async def follow() -> None:
                async for event in everything:
                    seen.append(event.position)  # noqa: PERF401 - seen while it goes on

            told: list[int] = []

            async def listen() -> None:
                async for update in updates:
                    told.append(update.position)  # noqa: PERF401

            following = [asyncio.create_task(follow()), asyncio.create_task(listen())]
            groups = [first]
            for number in range(1, 6):
                groups.append(await at.me.images.submit(photo(number)))
                await at.staging.run_worker(until_idle=True)
                await getattr(proxy, way)()
                await asyncio.sleep(0.1)
            whole = [event.position for event in (await at.me.read_events()).events]
            async with asyncio.timeout(30):
                while not (seen[-1:] == told[-1:] == whole[-1:]):  # noqa: ASYNC110 - two of them
                    await asyncio.sleep(0.05)
            assert seen == whole
            assert told == whole[1:]
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)

    asyncio.run(scenario())


def test_updates_resume_after_a_position_and_tell_where_images_stand_first(house: Open) -> None:
    async def scenario() -> None:
        async with house() as at, Staging.connect(at.url, token=at.token) as me:
            group = await me.wait(await me.images.submit(photo()))
            image_id = group.images[0].id
            whole = await positions(at, group)
            here, there = (each.updates(image_id=image_id, after=whole[0]) for each in (at.me, me))
            for _ in range(len(whole)):
                assert await anext(here) == await anext(there)
            for stream in (here, there):
                await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(scenario())


def test_a_stream_that_may_not_be_ends_with_the_reason(house: Open) -> None:
    async def scenario() -> None:
        async with house() as at, Staging.connect(at.url, token=at.token) as me:
            for updates in (me.updates(image_id="nobodys"), me.updates(project_id="nobodys")):
                with pytest.raises(NotFound):
                    await anext(updates)
            assert await all_of(me.events(Group(id="nobodys", account_id="a", images=()))) == []
            with pytest.raises(Unsupported):
                await me.follow(lambda: None)
            everything = me.updates()
            waiting = asyncio.ensure_future(anext(everything))
            await at.me.keys.revoke((await at.me.keys.page())[0].id)
            with pytest.raises(Unauthorized):
                await me.images.page()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            with pytest.raises(Unauthorized):
                await anext(me.updates())

    asyncio.run(scenario())


def test_a_server_that_stays_away_is_told_when_patience_ends(house: Open) -> None:
    async def scenario() -> None:
        async with house() as at:
            connection = Staging.connect(at.url, token=at.token, patience_s=0.5)
            me: Remote = await connection.__aenter__()
            group = await at.me.images.submit(photo())
        with pytest.raises(ServerUnreachable) as caught:
            await me.wait(group)
        assert not caught.value.arrived
        with pytest.raises(ServerUnreachable):
            await me.images.page()
        await connection.__aexit__(None, None, None)

    asyncio.run(scenario())
