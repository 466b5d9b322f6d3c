"""Nobody keeps others out: not with bodies that do not come, nor with answers that nobody reads."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core import Credentials, Principal, Staging, hookimpl
from staging_core.errors import Overloaded, RateLimited
from staging_core.testing.telemetry import Heard
from staging_embed.app import StagingApp
from staging_embed.routes import GROUPS
from staging_embed.shedding import Room
from staging_embed.streamed import PIECE_BYTES

from .house import API, OTHER, OWN, as_other, as_own, house, listening, photo


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


async def large(staging: Staging, whose: Principal = OWN) -> str:
    """An image with a large original."""
    import numpy as np
    from PIL import Image

    path = Path(staging.settings.home) / "large.png"
    if not path.exists():
        pixels = np.random.default_rng(1).integers(0, 255, (1800, 1800, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    me = staging.acting_as(whose)
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


def test_signed_addresses_that_nobody_reads_are_few_and_keep_no_other_account_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has one signs in nowhere, so what counts is whose picture it is."""
    monkeypatch.setattr("staging_embed.pace.GRACE_S", 2.0)
    monkeypatch.setattr("staging_embed.pace.LEAST_BYTES_S", 64 << 20)

    async def scenario() -> None:
        async with served(tmp_path) as (staging, app, client):
            room = app.service.rooms.objects = Room(3, each=2)
            signed = {}
            for whose in (OWN, OTHER):
                image_id, me = await large(staging, whose), staging.acting_as(whose)
                url = await me.images.presign(image_id, "original", base=str(client.base_url))
                signed[whose] = httpx.URL(url).raw_path.decode()
            unread = [await begun(client, f"GET {signed[OWN]}") for _ in range(2)]
            await until(lambda: room.running == 2)
            refused = await client.get(signed[OWN])
            assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
            assert (await client.get(signed[OTHER])).status_code == 200
            assert (await client.head(signed[OWN])).status_code == 200
            await until(lambda: room.running == 0)
            await closed(*(writer for _, writer in unread))

    asyncio.run(scenario())


async def as_account(
    client: httpx.AsyncClient, account: int, path: str, until_closed: AsyncExitStack
) -> None:
    """That account asks for a picture, and does not read it."""
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
    link.setblocking(False)
    await asyncio.get_running_loop().sock_connect(link, ("127.0.0.1", client.base_url.port))
    reader, writer = await asyncio.open_connection(sock=link, limit=1 << 12)
    head = [f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {account}", "", ""]
    writer.write("\r\n".join(head).encode())
    until_closed.push_async_callback(closed, writer)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")


def whoever(credentials: Credentials) -> Principal:
    """Every token is an account's, as everybody's first sign-in makes one."""
    return Principal(account_id=f"a{credentials.bearer}", user_id="anna")


async def pictures_of(staging: Staging, accounts: int) -> list[str]:
    """The path of a large picture of each account."""
    paths = []
    for account in range(accounts):
        me = Principal(account_id=f"a{account}", user_id="anna")
        image_id = await large(staging, me)
        paths.append(f"{API}/images/{image_id}/pictures/original")
    return paths


def test_accounts_whose_readers_are_slow_keep_nobody_from_pictures(tmp_path: Path) -> None:
    """Sixteen times eight readers that take nothing more, and one who reads."""

    async def scenario() -> None:
        app = {"principal": whoever}
        async with (
            served(tmp_path, app=app) as (staging, built, client),
            AsyncExitStack() as until_closed,
        ):
            *slow, mine = await pictures_of(staging, 17)
            rooms = built.service.rooms
            asked = [
                as_account(client, account, path, until_closed)
                for account, path in enumerate(slow)
                for _ in range(rooms.pictures.each)
            ]
            await asyncio.gather(*asked)
            await until(lambda: rooms.reads.running == 0)
            assert rooms.pictures.running == 128
            async with asyncio.timeout(10):
                answer = await client.get(mine, headers={"Authorization": "Bearer 16"})
            assert answer.status_code == 200
            assert len(answer.content) == int(answer.headers["content-length"])

    asyncio.run(scenario())


def test_in_a_full_room_the_slowest_of_who_has_most_makes_way_and_may_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staging_embed.pace._FIRST_S", 0.05)

    async def scenario() -> None:
        async with (
            served(tmp_path, app={"principal": whoever}) as (staging, built, client),
            AsyncExitStack() as until_closed,
        ):
            one, two, mine = await pictures_of(staging, 3)
            room = built.service.rooms.pictures = Room(4, each=3, wait_s=10)
            for account, path in ((0, one), (0, one), (0, one), (1, two)):
                await as_account(client, account, path, until_closed)
            answer = await client.get(mine, headers={"Authorization": "Bearer 2"})
            assert answer.status_code == 200
            assert len(answer.content) == int(answer.headers["content-length"])
            assert room._of == {"a0": 2, "a1": 1}
            whole = await client.get(
                one, headers={"Authorization": "Bearer 0", "Range": "bytes=9-"}
            )
            assert whole.status_code == 206

    asyncio.run(scenario())


def test_a_picture_in_pieces_is_the_picture(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (staging, _, client):
            image_id = await large(staging)
            data = await staging.acting_as(OWN).images.read(image_id, "original")
            assert len(data) > 4 * PIECE_BYTES
            path = f"{API}/images/{image_id}/pictures/original"
            assert (await client.get(path, headers=as_own())).content == data
            for start, end in ((0, 1), (5, PIECE_BYTES + 7), (PIECE_BYTES, len(data))):
                headers = as_own(Range=f"bytes={start}-{end - 1}")
                assert (await client.get(path, headers=headers)).content == data[start:end]

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
