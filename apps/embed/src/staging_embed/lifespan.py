"""Opening an installation with the host that serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from staging_core import Staging

from .stopping import ending_streams

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]


def staging_lifespan(staging: Staging, inner: Lifespan | None = None) -> Lifespan:
    """A lifespan for FastAPI and Starlette that keeps ``staging`` open as long as the host runs.

    Event streams end, with a hint when to come back, as soon as the process is told to stop.
    ``inner``: the host's own, which runs within it. An application that is mounted gets no lifespan
    of its own, so the host has to have this one.
    """

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async with staging:
            with ending_streams(staging):
                if inner is None:
                    yield
                else:
                    async with inner(app):
                        yield

    return lifespan
