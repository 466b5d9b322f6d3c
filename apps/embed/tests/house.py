"""An installation behind HTTP, for tests: real database, files and server; the fake stager."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from PIL import Image

from staging_core import Credentials, Principal, Staging
from staging_core.errors import Unauthorized
from staging_core.testing.servers.databases import migrated_file
from staging_embed import staging_app

API = "/api/v1"
OWN, OTHER = Principal(account_id="own", user_id="anna"), Principal(account_id="other")
TOKENS = {"token-of-own": OWN, "token-of-other": OTHER}


def by_token(credentials: Credentials) -> Principal | None:
    """Whom these tests' host sees."""
    if credentials.bearer is not None and credentials.bearer not in TOKENS:
        raise Unauthorized()
    return TOKENS.get(credentials.bearer or "")


def as_own(**more: str) -> dict[str, str]:
    """Headers of somebody of the account `own`."""
    return {"Authorization": "Bearer token-of-own", **more}


def as_other(**more: str) -> dict[str, str]:
    """Headers of somebody of another account."""
    return {"Authorization": "Bearer token-of-other", **more}


def photo(number: int = 0) -> bytes:
    """A small JPEG; each number another one."""
    buffer = BytesIO()
    picture = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
    picture.putpixel((number % 320, number // 320), (255, 0, number % 256))
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@asynccontextmanager
async def listening(app: Any, **options: Any) -> AsyncIterator[str]:
    """The base URL of a real server that runs ``app``."""
    config = uvicorn.Config(app, log_config=None, **{"lifespan": "off", **options})
    server, door = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    running = asyncio.create_task(server.serve(sockets=[door]))
    try:
        async with asyncio.timeout(30):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def house(
    home: Path, *, worker: bool = False, app: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[tuple[Staging, httpx.AsyncClient]]:
    """An open installation and a client of its API, signed in as nobody."""
    if "database" not in settings:
        migrated_file(home)
    settings = {"stager": "fake:", "plugins": (), "sweep_s": 0.1, **settings}
    async with Staging(home=home, worker=worker, **settings) as staging:
        served = staging_app(staging, **{"principal": by_token, **(app or {})})
        inside = httpx.ASGITransport(served, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=inside, base_url="http://localhost") as client:
            yield staging, client
