"""The queue in Redis passes the suite that every queue passes, with a real server that fails."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from staging_core.interfaces import Queue
from staging_core.models import Wake
from staging_core.testing.conformance import QueueConformance, ServerFaults
from staging_core.testing.servers.redis import RedisServer, redis_server

# Consumes in a process of its own: says so when its handler has begun, which never ends.
CONSUMER = """
import asyncio, sys
from contextlib import AsyncExitStack
from staging_core import Settings
from staging_core.hooks import Hooks
from staging_core.plugins import load_plugins
from staging_core.registry import Registry

async def handle(wake):
    print(wake.job_id, flush=True)
    await asyncio.Event().wait()

async def main(url):
    registry = Registry(Hooks(load_plugins(())), Settings.from_keywords())
    async with AsyncExitStack() as stack:
        queue = await registry.open("queue", url, stack=stack, role="worker")
        await queue.consume(handle, lanes=frozenset({"default"}), concurrency=1)

asyncio.run(main(sys.argv[1]))
"""


class Faults:
    """What can be done to a Redis."""

    def __init__(self, server: RedisServer, url: str, queue: Queue) -> None:
        self.restart = server.restart
        self.flush = server.flush
        self._url = url
        self._queue = queue

    async def die_with(self, wake: Wake) -> None:
        """Let a process take it, and kill that with its handler running."""
        command = (sys.executable, "-c", CONSUMER, self._url)
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        try:
            await self._queue.poke(wake)
            assert process.stdout is not None
            assert (await process.stdout.readline()).decode().strip() == wake.job_id
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()


class TestTaskiqQueue(QueueConformance):
    plugins = ()
    slow_s = 1.2
    server: ClassVar[RedisServer]
    bad_urls = (
        "redis:",
        "redis:///0",
        "redis://localhost/zero",
        "redis://localhost:0",
        "redis://localhost:70000",
        "redis://localhost?lanes=2",
        "redis://localhost?prefix=a%20b",
        "redis://localhost?reclaim_s=soon",
        "redis://localhost?reclaim_s=0",
        "redis://localhost?ca_file=ca.pem",
    )

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def a_redis(cls) -> Iterator[None]:
        with redis_server(password="s3cret") as cls.server:  # noqa: S106
            cls.url = f"{cls.server.url}?reclaim_s=0.4"
            yield

    def open(self, home: Path, url: Any = None) -> AbstractAsyncContextManager[Any]:
        self.server.flush()
        return super().open(home, url)

    def faults(self, queue: Queue) -> ServerFaults | None:
        return Faults(self.server, self.url, queue)
