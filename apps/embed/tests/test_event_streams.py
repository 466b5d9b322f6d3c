"""Event streams over real connections: what old pages read, and what nobody loses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import Acting, Group, JobEvent, Staging, hookimpl
from staging_core.database.events import Draft
from staging_core.database.streams import News
from staging_core.interfaces import Telemetry
from staging_core.testing.telemetry import Heard, ToldSpan
from staging_embed import event_stream, staging_app
from staging_embed.app import StagingApp

from .house import API, OWN, as_other, as_own, by_token, listening, photo
from .sse import Message, following

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@asynccontextmanager
async def served(home: Path, **settings: Any) -> AsyncIterator[tuple[Acting, StagingApp, str]]:
    """Somebody of an installation, its application, and the URL where it listens."""
    settings = {"stager": "fake:", "plugins": (), "sweep_s": 0.1, **settings}
    async with Staging(home=home, worker=False, **settings) as staging:
        app = staging_app(staging, principal=by_token)
        async with listening(app) as url:
            yield staging.acting_as(OWN), app, url


async def submitted(me: Acting, number: int = 0) -> Group:
    return await me.images.submit(photo(number), room="bedroom", style="modern", seed=1)


async def worked(me: Acting, app: StagingApp) -> None:
    await app.service.staging.run_worker(until_idle=True)


async def ids(me: Acting, group: Group) -> list[str]:
    return [str(event.position) for event in await me.jobs.history(group.images[0].job.id)]


async def until_ready(stream: AsyncIterator[Message]) -> list[Message]:
    seen: list[Message] = []
    async with asyncio.timeout(60):
        async for message in stream:
            seen.append(message)
            if message.event == "job_update" and message.data["status"] == "ready":
                break
    return seen


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


async def all_ids(me: Acting) -> list[str]:
    jobs = await me.jobs.page()
    rows = [event.position for job in jobs for event in await me.jobs.history(job.id)]
    return [str(position) for position in sorted(rows)]


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


class Listens:
    """A plugin that hears what is told."""

    def __init__(self) -> None:
        self.heard = Heard()

    @hookimpl
    @contextmanager
    def staging_telemetry(self) -> Iterator[Telemetry]:
        yield self.heard

    def spans(self, name: str) -> list[ToldSpan]:
        return [span for span in self.heard.spans if span.name == name]


def test_a_stream_is_told_of_in_short_spans_that_link_to_its_jobs(tmp_path: Path) -> None:
    listens = Listens()

    async def scenario() -> None:
        async with served(tmp_path, plugins=(listens,)) as (me, app, url):
            with listens.heard.span("POST /images"):
                group = await submitted(me)
            async with following(url, as_own(), image_id=group.images[0].id) as stream:
                await anext(stream)
                working = asyncio.create_task(worked(me, app))
                seen = await until_ready(stream)
                await working
                assert [span.ended for span in listens.spans(f"GET {API}/events")] == [True]
                assert listens.spans("staging.stream end") == []
                assert listens.heard.levels[("staging.streams",)] == 1
                app.end_streams()
                assert [message.event async for message in stream][-1] == "retry"
            await until(lambda: listens.heard.levels[("staging.streams",)] == 0)
        (asked,), (begun,) = listens.spans("POST /images"), listens.spans(f"GET {API}/events")
        tells, (ended,) = listens.spans("staging.stream tell"), listens.spans("staging.stream end")
        assert {span.parent for span in (*tells, ended)} == {begun.traceparent}
        assert {link for span in tells for link in span.links} == {asked.traceparent}
        told = [message for message in seen if not message.data.get("snapshot")]
        assert sum(int(span.facts["events"]) for span in tells) == len(told)
        assert (ended.facts["ended_by"], ended.facts["events"]) == ("server", len(told))

    asyncio.run(scenario())


def test_a_stream_that_is_refused_has_a_span_that_says_so(tmp_path: Path) -> None:
    listens = Listens()

    async def scenario() -> None:
        async with (
            served(tmp_path, plugins=(listens,)) as (_, _, url),
            httpx.AsyncClient(base_url=url) as client,
        ):
            answer = await client.get(f"{API}/events", params={"image_id": "nobodys"})
            assert answer.status_code == 401
        assert [span.error for span in listens.spans(f"GET {API}/events")] == ["Unauthorized"]
        assert listens.spans("staging.stream end") == []

    asyncio.run(scenario())


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - the server notices in its time
            await asyncio.sleep(0.01)


def test_a_client_that_does_not_read_costs_little_and_later_misses_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (me, app, url):
            port = httpx.URL(url).port
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            head = f"GET {API}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-of-own\r\n"
            writer.write(f"{head}\r\n".encode())
            await reader.readuntil(b"connected")
            for number in range(4):
                await submitted(me, number)
            await worked(me, app)
            expected = await all_ids(me)
            told = b""
            async with asyncio.timeout(30):
                while f"id: {expected[-1]}\n".encode() not in told:
                    told += await reader.read(1024)
            seen = [line[4:] for line in told.decode().splitlines() if line.startswith("id: ")]
            assert [each for each in dict.fromkeys(seen) if each != "0"] == expected
            writer.close()

    asyncio.run(scenario())


@asynccontextmanager
async def not_reading(url: str) -> AsyncIterator[asyncio.StreamReader]:
    """A client that asks for a stream and reads, after its first word, only when told to."""
    port = httpx.URL(url).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    head = f"GET {API}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-of-own\r\n"
    writer.write(f"{head}\r\n".encode())
    await reader.readuntil(b"connected")
    try:
        yield reader
    finally:
        writer.close()


async def tell_much(me: Acting, group: Group, first: int) -> None:
    """More than any socket keeps: 8 MB in 100 events."""
    job = group.images[0].job
    async with me.billing._ports.database.write(job.account_id) as tx:
        for number in range(first, first + 100):
            tx.tell(
                Draft(
                    account_id=job.account_id,
                    job_id=job.id,
                    image_id=group.images[0].id,
                    group_id=group.id,
                    seq=number,
                    type="progress",
                    state="staging",
                    data={"progress": 0.5, "phase": "x" * 80_000},
                )
            )


def test_whoever_does_not_read_is_cut_off_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "SEND_S", 0.5)

    async def scenario() -> None:
        async with served(tmp_path) as (me, app, url):
            group = await submitted(me)
            async with following(url, as_own()) as stays, not_reading(url) as reader:
                opening = [(await anext(stays)).event for _ in range(2)]
                assert opening == ["connected", "job_update"]
                assert len(app.service.streams.open) == 2
                for first in (100, 200):  # what is written first goes, and is kept by the server
                    told = asyncio.create_task(some_of(stays, 100))
                    await tell_much(me, group, first)
                    await told
                await until(lambda: len(app.service.streams.open) == 1)
                left = await rest_of(reader)
                assert b"retry:" not in left
                assert left.count(b"event: job_update") < 200

    asyncio.run(scenario())


async def some_of(stream: AsyncIterator[Message], most: int) -> list[Message]:
    async with asyncio.timeout(60):
        return [await anext(stream) for _ in range(most)]


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """What comes until the connection is closed, as it then is."""
    async with asyncio.timeout(60):
        return await reader.read()


def test_whoever_does_not_read_holds_up_no_server_that_stops(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (me, app, url):
            group = await submitted(me)
            async with not_reading(url):
                await tell_much(me, group, 100)
                (stream,) = app.service.streams.open
                await until(lambda: stream._told_events == 100)
                app.end_streams()
                await until(lambda: not app.service.streams.open)

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


def test_streams_are_in_the_log_and_in_the_rate_of_requests(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    listens = Listens()
    caplog.set_level("INFO", "staging_embed.requests")

    async def scenario() -> None:
        async with served(tmp_path, plugins=(listens,)) as (me, app, url):
            async with httpx.AsyncClient(base_url=url) as client:
                assert (await client.get(f"{API}/events")).status_code == 401
            async with following(url, as_own()) as stream:
                await anext(stream)
                group = await submitted(me)
                working = asyncio.create_task(worked(me, app))
                await until_ready(stream)
                await working
                figure = ("http.server.request.duration", "GET", f"{API}/events")
                (refused_s,) = listens.heard.measured[(*figure, "401")]
                (begun_s,) = listens.heard.measured[(*figure, "200")]
                assert 0 < refused_s < 60
                assert 0 < begun_s < 60
            await until(lambda: not app.service.streams.open)
            told = len(await ids(me, group))
            ours = [each for each in caplog.records if each.name == "staging_embed.requests"]
            lines = [each.getMessage() for each in ours]
            assert [line.partition(",")[0] for line in lines if "/events" in line] == [
                f"GET {API}/events 401",
                f"GET {API}/events 200",
            ]
            (over,) = [line for line in lines if "stream over" in line]
            assert over.startswith("event stream over (client), open ")
            assert over.endswith(f", {told} events")

    asyncio.run(scenario())
