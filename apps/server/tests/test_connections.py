"""Who connects says what they ask: connections that say nothing, or never end, are not kept."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from staging_core import Staging
from staging_server import connection
from staging_server.serving import Server, hosted_api

HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF = HEALTH[:30]


@asynccontextmanager
async def served(home: Path) -> AsyncIterator[int]:
    """The port of a server."""
    door = socket.create_server(("127.0.0.1", 0))
    async with Staging(home=home, stager="fake:", plugins=(), worker=False) as staging:
        server = Server(hosted_api(staging), grace_s=1)
        running = asyncio.create_task(server.run(door))
        try:
            yield door.getsockname()[1]
        finally:
            server.stop()
            await running


async def answered(reader: asyncio.StreamReader) -> bool:
    """Whether an answer comes, and what belongs to it."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(each for each in head.split(b"\r\n") if each.startswith(b"content-length: "))
    await reader.readexactly(int(length.partition(b": ")[2]))
    return head.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("said", [b"", HALF, HEALTH + HALF], ids=["nothing", "half", "and a half"])
def test_who_does_not_say_what_they_ask_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.3)

    async def scenario() -> None:
        async with served(tmp_path) as port, asyncio.timeout(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if said.startswith(HEALTH):
                writer.write(HEALTH)
                assert await answered(reader)
            writer.write(said.removeprefix(HEALTH))
            assert await reader.read() == b""
            writer.close()

    asyncio.run(scenario())


def test_who_asks_piece_by_piece_and_again_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on a connection that is older than a question may take, and while a stream goes on."""
    monkeypatch.setattr(connection, "HEAD_S", 4.0)

    async def scenario() -> None:
        async with served(tmp_path) as port, asyncio.timeout(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            events, asking = await asyncio.open_connection("127.0.0.1", port)
            asking.write(HEALTH.replace(b"/health", b"/api/v1/events"))
            assert b"event: connected" in await events.readuntil(b"connected")
            for _ in range(3):
                writer.write(HALF)
                await asyncio.sleep(1.5)  # together longer than one question may take
                writer.write(HEALTH[len(HALF) :])
                assert await answered(reader)
            assert not events.at_eof()
            writer.close()
            asking.close()

    asyncio.run(scenario())


# --- who reads slowly -----------------------------------------------------------------------------

PIECE, PIECES = bytes(1 << 16), 1000


class Answering:
    """An application whose answer is more than a connection takes unread; it counts its pieces."""

    def __init__(self) -> None:
        self.sent = 0
        self.ended = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        length = (b"content-length", b"%d" % (len(PIECE) * PIECES))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        for number in range(1, PIECES + 1):
            more = number < PIECES
            await send({"type": "http.response.body", "body": PIECE, "more_body": more})
            self.sent = number
        self.ended.set()


def waits_for_its_reader(server: uvicorn.Server) -> bool:
    """Whether a connection takes no more for now."""
    open_ones: set[Any] = server.server_state.connections
    return any(each.flow.write_paused for each in open_ones)


@asynccontextmanager
async def asked(app: Answering) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client that has asked and not read, once the server waits for it to read."""
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, http=connection.Connection, log_config=None, lifespan="off")
    )
    running = asyncio.create_task(server.serve(sockets=[door]))
    reader, writer = await asyncio.open_connection(*door.getsockname())
    try:
        writer.write(HEALTH)
        while not waits_for_its_reader(server):  # noqa: ASYNC110 - nobody is told of it
            await asyncio.sleep(0.01)
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await running


def test_an_answer_waits_for_its_reader_and_comes_whole() -> None:
    async def scenario() -> None:
        app = Answering()
        async with asyncio.timeout(60), asked(app) as (reader, _):
            assert app.sent < PIECES
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(len(PIECE) * PIECES) == PIECE * PIECES
            await app.ended.wait()

    asyncio.run(scenario())


def test_an_answer_waits_no_more_for_a_reader_who_is_gone() -> None:
    async def scenario() -> None:
        app = Answering()
        async with asyncio.timeout(60), asked(app) as (_, writer):
            assert app.sent < PIECES
            writer.transport.abort()
            await app.ended.wait()  # what is sent to nobody is dropped

    asyncio.run(scenario())
