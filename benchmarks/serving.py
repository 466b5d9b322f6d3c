"""An ASGI application on a free port of loopback, in this event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from staging_core.testing.asgi_server import listening, url_of


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Where it answers, while the block runs. Its lifespan is not run."""
    listener = listening(0)
    config = uvicorn.Config(
        app, interface="asgi3", lifespan="off", log_level="warning", access_log=False
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)
        yield url_of(listener)
    finally:
        server.should_exit = True
        await task
        listener.close()
