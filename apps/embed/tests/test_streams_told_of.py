"""What the log, the figures and the traces say of event streams."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from staging_core import hookimpl
from staging_core.interfaces import Telemetry
from staging_core.testing.telemetry import Heard, ToldSpan

from .house import API, as_own
from .sse import following
from .stream_house import ids, served, submitted, until, until_ready, worked


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
