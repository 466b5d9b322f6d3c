"""Nobody keeps others out: not with bodies that do not come, nor with answers that nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import Principal, Staging, hookimpl
from staging_core.errors import Overloaded, RateLimited
from staging_core.testing.telemetry import Heard
from staging_embed.app import StagingApp
from staging_embed.routes import GROUPS
from staging_embed.shedding import Room

from .house import API, as_other, as_own, house, listening, photo


@asynccontextmanager
async def served(
    home: Path, **settings: Any
) -> AsyncIterator[tuple[Staging, StagingApp, httpx.AsyncClient]]:
    """A real server, and a client of it that is signed in as nobody."""
    app = {"include": GROUPS.keys(), **settings.pop("app", {})}
    async with house(home, app=app, **settings) as (staging, inside):
        built = inside._transport.app  # type: ignore[attr-defined]
        async with listening(built) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
            yield staging, built, client


async def begun(
    client: httpx.AsyncClient, request: str, *lines: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which a request was begun, and little read."""
    port = client.base_url.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 12)
    head = [f"{request} HTTP/1.1", "Host: localhost", "Authorization: Bearer token-of-own", *lines]
    writer.write("\r\n".join([*head, "", ""]).encode())
    await writer.drain()
    return reader, writer


async def closed(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def until(holds: Any) -> None:
    """Wait for it, a while."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - rooms tell nobody
            await asyncio.sleep(0.01)


# --- turns ----------------------------------------------------------------------------------------


def test_no_account_fills_a_room() -> None:
    async def scenario() -> None:
        room = Room(4, each=3)
        async with AsyncExitStack() as stack:
            for _ in range(3):
                await stack.enter_async_context(room.one("own"))
            with pytest.raises(RateLimited) as caught:
                await stack.enter_async_context(room.one("own"))
            assert 0 < caught.value.retry_after_s < 10
            await stack.enter_async_context(room.one("other"))
            with pytest.raises(Overloaded):
                await stack.enter_async_context(room.one("third"))
        async with room.one("own"):
            assert room.running == 1
        assert room.running == 0

    asyncio.run(scenario())


def test_a_turn_is_waited_for_and_the_wait_ends() -> None:
    async def scenario() -> None:
        room = Room(2, each=1, wait_s=30)
        turns = []

        async def one() -> None:
            async with room.one("own"):
                turns.append(room.running)

        async with room.one("own"):
            tasks = [asyncio.create_task(one()) for _ in range(3)]
            await asyncio.sleep(0)
            assert turns == []
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks)
        assert turns == [1, 1, 1]
        short = Room(1, each=1, wait_s=0.01)
        async with short.one("own"):
            with pytest.raises(Overloaded):
                async with short.one("other"):
                    pass

    asyncio.run(scenario())


def test_a_full_room_that_sheds_turns_away_at_once() -> None:
    async def scenario() -> None:
        room = Room(1, each=1, wait_s=30, sheds=True)
        async with room.one("own"), asyncio.timeout(10):
            with pytest.raises(Overloaded):
                async with room.one("other"):
                    pass

    asyncio.run(scenario())


# --- requests that do not come --------------------------------------------------------------------


def test_bodies_that_do_not_come_hold_no_place_and_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_embed.pace.GRACE_S", 1.5)

    async def scenario() -> None:
        async with served(tmp_path, app={"creates_at_once": 4}) as (_, _app, client):
            lines = ("Content-Type: application/json", "Content-Length: 20")
            idle = [await begun(client, f"POST {API}/projects", *lines) for _ in range(8)]
            for headers in (as_own(), as_other()):
                answer = await client.post(f"{API}/projects", json={"name": "a"}, headers=headers)
                assert answer.status_code == 201
            for reader, writer in idle:
                async with asyncio.timeout(30):
                    told = await reader.read()  # until it is closed
                assert told.startswith(b"HTTP/1.1 408")
                assert b"request_timeout" in told
                await closed(writer)

    asyncio.run(scenario())


def test_photos_that_come_slowly_keep_nobody_from_creating(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path, app={"creates_at_once": 4}) as (_, app, client):
            lines = ("Content-Type: image/png", "Content-Length: 1000000")
            path = f"{API}/uploads?filename=a.png"
            _, slow = await begun(client, f"POST {path}", *lines)
            await until(lambda: app.service.rooms.transfers.running == 1)
            second, other = await begun(client, f"POST {path}", *lines)
            async with asyncio.timeout(30):
                assert (await second.readline()).startswith(b"HTTP/1.1 429")
            made = await client.post(f"{API}/projects", json={"name": "a"}, headers=as_own())
            assert made.status_code == 201
            headers = as_other(**{"Content-Type": "image/png"})
            theirs = await client.post(path, content=photo(), headers=headers)
            assert theirs.status_code == 201
            await closed(slow, other)

    asyncio.run(scenario())


# --- answers that are not read --------------------------------------------------------------------


async def large(staging: Staging) -> str:
    """An image of the account `own` with a large original."""
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(1).integers(0, 255, (1800, 1800, 3), dtype=np.uint8)
    path = Path(staging.settings.home) / "large.png"
    Image.fromarray(pixels).save(path)
    me = staging.acting_as(Principal(account_id="own", user_id="anna"))
    return (await me.images.submit(path)).images[0].id


def test_downloads_that_nobody_reads_are_few_and_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_embed.pace.GRACE_S", 2.0)
    monkeypatch.setattr("staging_embed.pace.LEAST_BYTES_S", 64 << 20)

    async def scenario() -> None:
        async with served(tmp_path) as (staging, app, client):
            room = app.service.rooms.pictures = Room(3, each=2)
            path = f"{API}/images/{await large(staging)}/pictures/original"
            unread = [await begun(client, f"GET {path}") for _ in range(2)]
            await until(lambda: room.running == 2)
            refused = await client.get(path, headers=as_own())
            assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
            assert int(refused.headers["retry-after"]) > 0
            await until(lambda: room.running == 0)
            await closed(*(writer for _, writer in unread))

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["archive", "export"])
def test_when_the_client_has_gone_nothing_more_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    ended = asyncio.Event()

    async def endless(*_: Any) -> AsyncIterator[bytes]:
        try:
            while True:
                await asyncio.sleep(0)
                yield b"x" * 65_536
        finally:
            ended.set()

    monkeypatch.setattr("staging_core.acting.projects.archive", endless)
    monkeypatch.setattr("staging_core.acting.account.export", endless)
    me = Principal(account_id="own", user_id="anna", role="admin")

    async def scenario() -> None:
        async with served(tmp_path, app={"principal": lambda _: me}) as (staging, app, client):
            project = await staging.acting_as(me).projects.create("listing")
            asked = {
                "archive": f"GET {API}/projects/{project.id}/archive",
                "export": f"POST {API}/account/export",
            }[kind]
            reader, writer = await begun(client, asked)
            await reader.readexactly(100_000)
            if kind == "export":
                second = await client.post(f"{API}/account/export")
                assert (second.status_code, second.json()["code"]) == (429, "rate_limited")
            writer.transport.abort()
            async with asyncio.timeout(30):
                await ended.wait()
            rooms = app.service.rooms
            await until(lambda: rooms.archives.running == rooms.exports.running == 0)
            await closed(writer)

    asyncio.run(scenario())


# --- what is kept of requests ---------------------------------------------------------------------


def test_methods_that_nobody_knows_are_one_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()
    caplog.set_level("INFO", "staging_embed.requests")

    class Listens:
        @hookimpl
        def staging_telemetry(self, role: str) -> Any:
            return nullcontext(heard)

    async def scenario() -> None:
        async with house(tmp_path, plugins=(Listens(),)) as (_, client):
            for number in range(5):
                await client.request(f"X{number}", "/health")

    asyncio.run(scenario())
    told = [key for key in heard.measured if key[0] == "http.server.request.duration"]
    assert len(told) == 1
    assert "_OTHER" in str(told)
    # Only what the service wrote: the client's own log (httpx) names the method it sent.
    written = [
        record.getMessage() for record in caplog.records if record.name.startswith("staging")
    ]
    assert any("_OTHER" in line for line in written)
    assert not any("X1" in line for line in written)
