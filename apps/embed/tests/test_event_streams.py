"""Event streams over real connections: what old pages read, and what nobody loses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import Acting, Group, JobEvent
from staging_core.database.events import News
from staging_embed.app import StagingApp

from .house import API, as_other, as_own
from .sse import Message, following
from .stream_house import all_ids, ids, served, submitted, until, until_ready, worked

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@both
def test_an_old_page_sees_its_image_become_ready(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with served(tmp_path, **database) as (me, app, url):
            group = await submitted(me)
            image_id = group.images[0].id
            async with following(url, as_own(), image_id=image_id) as stream:
                connected = await anext(stream)
                assert (connected.event, connected.id) == ("connected", None)
                assert set(connected.data) == {"message", "position"}
                working = asyncio.create_task(worked(me, app))
                snapshot, *updates = await until_ready(stream)
                await working
            assert snapshot.data == {
                "image_id": image_id,
                "seq": 1,
                "status": "queued",
                "state": "queued",
                "progress": 0.0,
                "phase": "",
                "snapshot": True,
            }
            statuses = [update.data["status"] for update in updates]
            assert statuses == sorted(statuses, key=["queued", "processing", "ready"].index)
            assert [snapshot.id, *(update.id for update in updates)] == await ids(me, group)
            assert updates[-1].data["staged_url"] == f"{url}{API}/images/{image_id}/pictures/staged"

    asyncio.run(scenario())


@both
def test_whoever_is_cut_off_again_and_again_misses_nothing(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with served(tmp_path, **database) as (me, app, url):
            last, seen = "0", []
            working = asyncio.create_task(cut_off_while_working(me, app))
            async with asyncio.timeout(120):
                while not working.done() or seen != (expected := await all_ids(me)):
                    headers = as_own(**{"Last-Event-ID": last})
                    async with following(url, headers) as stream:
                        assert (await anext(stream)).event == "connected"
                        for message in await some(stream, 3):
                            assert message.id is not None
                            last = message.id
                            if not message.data.get("snapshot"):
                                seen.append(message.id)
            assert seen == expected
            await working

    asyncio.run(scenario())


async def cut_off_while_working(me: Acting, app: StagingApp) -> None:
    for number in range(3):
        await submitted(me, number)
        await worked(me, app)


async def some(stream: AsyncIterator[Message], most: int) -> list[Message]:
    """What comes within a moment, at most so many."""
    found: list[Message] = []
    try:
        async with asyncio.timeout(0.3):
            while len(found) < most:
                found.append(await anext(stream))
    except TimeoutError:
        pass
    return found


def test_an_account_hears_of_nobody_elses_images(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (me, app, url):
            group = await submitted(me)
            async with httpx.AsyncClient(base_url=url) as client:
                query = {"image_id": group.images[0].id}
                answer = await client.get(f"{API}/events", params=query, headers=as_other())
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            async with following(url, as_other(**{"Last-Event-ID": "0"})) as stream:
                await anext(stream)
                await worked(me, app)
                assert await some(stream, 1) == []

    asyncio.run(scenario())


def test_a_stream_beats_and_ends_with_a_hint_when_to_come_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (_, app, url):
            app.service.streams.heartbeat_s = 0.1
            async with following(url, as_own()) as stream:
                await anext(stream)
                async with asyncio.timeout(10):
                    beat = await anext(stream)
                assert (beat.event, beat.id, set(beat.data)) == ("heartbeat", None, {"timestamp"})
                app.end_streams()
                async with asyncio.timeout(10):
                    rest = [message async for message in stream]
                assert rest[-1].event == "retry"
                assert 500 <= int(rest[-1].data) <= 3000
            assert not app.service.streams.open
            async with following(url, as_own()) as stream:  # while the server still answers
                assert [message.event async for message in stream] == ["connected", "retry"]

    asyncio.run(scenario())


def test_nothing_of_a_stream_stays_when_its_client_has_gone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (me, app, url):
            group = await submitted(me)
            for _ in range(3):
                async with following(url, as_own(), image_id=group.images[0].id) as stream:
                    await anext(stream)
            await until(lambda: not app.service.streams.open)
            live = app.service.staging._live
            assert live is not None
            assert not live._accounts

    asyncio.run(scenario())


def test_what_comes_in_the_moment_after_the_last_word_is_told_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (me, app, url):
            group = await submitted(me)
            async with following(url, as_own()) as stream:
                opening = [(await anext(stream)).event for _ in range(2)]
                assert opening == ["connected", "job_update"]
                (its,) = app.service.streams.open
                follower, send, later = its._follower, its._send, [1001]
                await until(lambda: follower._buffer == [] and its._writing is None)

                async def sent(message: Any) -> None:
                    """What is called next comes before anybody hears that the task is over."""
                    await send(message)
                    if later:
                        asyncio.get_running_loop().call_soon(hand, later.pop())

                def hand(position: int) -> None:
                    follower.hand(news(group, position))

                its._send = sent
                hand(1000)
                async with asyncio.timeout(10):
                    assert [(await anext(stream)).id for _ in range(2)] == ["1000", "1001"]

    asyncio.run(scenario())


def news(group: Group, position: int) -> News:
    """An event of the group's image, as the reader hands it on."""
    job = group.images[0].job
    event = JobEvent(
        position=position,
        account_id=group.account_id,
        job_id=job.id,
        image_id=group.images[0].id,
        group_id=group.id,
        seq=position,
        type="progress",
        state="staging",
        at=0.0,
    )
    return News(event, None)


def test_a_user_has_so_many_streams_and_each_that_ends_makes_room(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            served(tmp_path, max_streams=2) as (_, app, url),
            httpx.AsyncClient(base_url=url) as client,
        ):
            async with following(url, as_own()) as first, following(url, as_own()) as second:
                assert [(await anext(each)).event for each in (first, second)] == ["connected"] * 2
                refused = await client.get(f"{API}/events", headers=as_own())
                assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
                assert int(refused.headers["retry-after"]) > 0
                assert "project" in refused.json()["remedy"]
                async with following(url, as_other()) as others:
                    assert (await anext(others)).event == "connected"
            await until(lambda: not app.service.streams.open)
            for _ in range(3):  # what is refused takes no room
                query = {"image_id": "nobodys"}
                unknown = await client.get(f"{API}/events", params=query, headers=as_own())
                assert unknown.status_code == 404
            async with following(url, as_own()) as first, following(url, as_own()) as second:
                assert [(await anext(each)).event for each in (first, second)] == ["connected"] * 2

    asyncio.run(scenario())
