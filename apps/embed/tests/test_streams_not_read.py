"""Clients that ask for an event stream and do not read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from staging_core import Acting, Group
from staging_core.database.events import Draft
from staging_embed import event_stream

from .house import API, as_own
from .sse import Message, following
from .stream_house import all_ids, served, submitted, until, worked


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


async def some_of(stream: AsyncIterator[Message], most: int) -> list[Message]:
    async with asyncio.timeout(60):
        return [await anext(stream) for _ in range(most)]


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """What comes until the connection is closed, as it then is."""
    async with asyncio.timeout(60):
        return await reader.read()


def test_a_client_that_does_not_read_costs_little_and_later_misses_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (me, app, url):
            async with not_reading(url) as reader:
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

    asyncio.run(scenario())


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
