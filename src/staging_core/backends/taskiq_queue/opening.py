"""Opens the queue that a ``redis:`` or ``rediss:`` URL names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from staging_core.interfaces import OpenContext
from staging_core.urls import BackendURL

from .address import RedisAddress
from .queue import TaskiqQueue


@asynccontextmanager
async def open_taskiq_queue(url: BackendURL, context: OpenContext) -> AsyncIterator[TaskiqQueue]:
    """Open ``redis://host:port/db?prefix=staging&reclaim_s=15``, or ``rediss:`` with TLS.

    A Redis that is away is no error. ``SettingError`` for a URL that names no server, for a server
    that turns us away, for a cluster, and for one older than 6.2. Only a worker imports taskiq.
    """
    if context.role == "worker":
        from . import consumer  # noqa: F401 - what is missing is missed now, not at the first job

    queue = TaskiqQueue(RedisAddress(url), context.clock)
    try:
        await queue.look()
        yield queue
    finally:
        await queue.close()
