"""The application behind a real server, alone and mounted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn

from staging_core import Settings
from staging_core.models import Callback
from staging_core.rates import Rates
from staging_core.telemetry import SILENT
from staging_embed import staging_app
from staging_embed.routes.callbacks import MOST_BYTES

PATH = "/api/v1/callbacks/0123456789abcdef0123456789abcdef"

Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


class Inbox:
    """Stands in for an open ``Staging``."""

    def __init__(self) -> None:
        self.settings = Settings.from_keywords()
        self.telemetry = SILENT
        self.rates = Rates(self, None)  # type: ignore[arg-type]
        self.bodies: list[bytes] = []

    async def receive(self, callback: Callback, *, attempt_id: str | None = None) -> Any:
        self.bodies.append(callback.body)
        return "received"


@asynccontextmanager
async def served(app: App) -> AsyncIterator[str]:
    """The base URL of a server that runs ``app``."""
    config = uvicorn.Config(app, log_config=None, lifespan="off")  # type: ignore[arg-type]
    server, listening = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


def mounted(app: App, prefix: str, *, stripped: bool) -> App:
    """A host that mounts ``app``: Starlette keeps the whole path, some others cut it."""

    async def host(scope: Message, receive: Any, send: Any) -> None:
        assert scope["path"].startswith(prefix)
        path = scope["path"].removeprefix(prefix) if stripped else scope["path"]
        root = "" if stripped else prefix
        await app({**scope, "path": path, "root_path": root}, receive, send)

    return host


def test_it_answers_under_any_path() -> None:
    async def scenario() -> None:
        inbox = Inbox()
        app: Any = staging_app(inbox, include={"callbacks"})
        for stripped in (True, False):
            house = mounted(app, "/studio/staging", stripped=stripped)
            async with served(house) as url, httpx.AsyncClient(base_url=url) as client:
                answer = await client.post(f"/studio/staging{PATH}", content=b"{}")
                assert answer.json() == {"status": "received"}
        assert inbox.bodies == [b"{}", b"{}"]

    asyncio.run(scenario())


def test_what_is_too_long_is_not_read_to_its_end() -> None:
    """Announced or not, the answer comes while the sender still has most of it."""

    async def scenario() -> None:
        inbox = Inbox()
        app: Any = staging_app(inbox, include={"callbacks"})
        async with served(app) as url:
            port = httpx.URL(url).port
            for head in (f"Content-Length: {1 << 40}", "Transfer-Encoding: chunked"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(f"POST {PATH} HTTP/1.1\r\nHost: here\r\n{head}\r\n\r\n".encode())
                if "chunked" in head:
                    size = MOST_BYTES + 1
                    writer.write(f"{size:x}\r\n".encode() + bytes(size) + b"\r\n")
                async with asyncio.timeout(10):
                    answer = await reader.read()  # ends, as the server closes the connection
                assert answer.startswith(b"HTTP/1.1 400 ")
                assert b'"code":"callback_invalid"' in answer
                writer.close()
        assert not inbox.bodies

    asyncio.run(scenario())
