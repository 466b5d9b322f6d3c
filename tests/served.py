"""An installation that is acted upon over HTTP: one suite for the library and for its server."""

from __future__ import annotations

import asyncio
import socket
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self

import msgspec
import uvicorn

from staging_core import Credentials, Principal, Staging
from staging_core.remote import Remote
from staging_embed import staging_app
from staging_embed.routes import GROUPS


def token_of(principal: Principal) -> str:
    """A token that the test's server takes for that principal."""
    return urlsafe_b64encode(msgspec.json.encode(principal)).decode()


def principal_in(credentials: Credentials) -> Principal | None:
    """Whom the test's server sees."""
    if credentials.bearer is None:
        return None
    return msgspec.json.decode(urlsafe_b64decode(credentials.bearer), type=Principal)


@asynccontextmanager
async def serving(app: Any, *, port: int = 0) -> AsyncIterator[str]:
    """The address of a real server that runs ``app`` in this event loop."""
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=5)
    server, door = uvicorn.Server(config), socket.create_server(("127.0.0.1", port))
    running = asyncio.create_task(server.serve(sockets=[door]))
    try:
        async with asyncio.timeout(30):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        app.end_streams()
        server.should_exit = True
        await running


class Served:
    """As the ``Staging`` behind it, but for ``acting_as``, which leads through a server."""

    def __init__(self, staging: Staging) -> None:
        self._behind = staging
        self._stack = AsyncExitStack()
        self._url = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._behind)
        app = staging_app(self._behind, principal=principal_in, include=GROUPS.keys())
        self._url = await self._stack.enter_async_context(serving(app))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def acting_as(self, principal: Principal) -> Remote:
        """What ``Staging.connect`` gives, without asking the server first who that is."""
        remote = Remote(self._url, token_of(principal), timeout_s=30, patience_s=10)
        remote._wire.open()
        remote._act_as(principal)
        self._stack.push_async_exit(remote._wire.__aexit__)
        self._stack.push_async_exit(remote._signed.__aexit__)
        return remote
