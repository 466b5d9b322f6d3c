"""Real servers on loopback: of an installation, or of whatever a test wants to be answered."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import uvicorn
from PIL import Image

Answer = Callable[[Any, Any, Any], Awaitable[None]]


@asynccontextmanager
async def serving(app: Any, *, port: int = 0) -> AsyncIterator[str]:
    """The address of a server that runs ``app`` in this event loop."""
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=3)
    server, door = uvicorn.Server(config), socket.create_server(("127.0.0.1", port))
    running = asyncio.create_task(server.serve(sockets=[door]))
    try:
        async with asyncio.timeout(30):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        getattr(app, "end_streams", lambda: None)()
        server.should_exit = True
        await running


class Scripted:
    """Answers each request with the next answer of the script, the last one again and again.

    An answer: status, headers, body. ``asked``: the requests, as path and headers.
    """

    def __init__(self, *answers: tuple[int, dict[str, str], bytes]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        self.asked.append((f"{scope['method']} {scope['path']}", headers))
        while (await receive()).get("more_body", False):
            pass
        status, told, body = self.answers[0]
        if len(self.answers) > 1:
            del self.answers[0]
        named = [(name.encode(), value.encode()) for name, value in told.items()]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": body})


JSON = {"content-type": "application/json"}
PROBLEM = {"content-type": "application/problem+json"}
ME = (200, JSON, b'{"account_id":"a","user_id":"u","role":"member","scopes":[]}')


def photo(number: int = 0) -> bytes:
    """A small picture; each number another one."""
    buffer = BytesIO()
    picture = Image.linear_gradient("L").resize((96, 64)).convert("RGB")
    picture.putpixel((number % 96, number // 96), (255, 0, number % 256))
    picture.save(buffer, "PNG")
    return buffer.getvalue()
