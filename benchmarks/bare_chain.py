"""The least that a job's way can be: bare asyncpg, Redis and HTTP, without a lease or a second try.

A row; XADD; XREADGROUP; the photo uploaded; a prediction created; the callback's row; XADD;
XREADGROUP; the prediction read; the picture fetched and written to a file; the row says ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from redis.asyncio import Redis

from benchmarks.bare_stream import GROUP, STREAM, bare_redis, taken
from benchmarks.serving import serving
from staging_core.testing.replicate import RunningReplicate

_TABLES = (
    "CREATE TABLE bare_accepted (id text PRIMARY KEY)",
    "CREATE TABLE bare_jobs (id text PRIMARY KEY, state text NOT NULL, handle text, key text)",
    "CREATE TABLE bare_callbacks (id text PRIMARY KEY)",
)
_CONSUMERS = 8

Message = dict[str, Any]


class BareChain:
    """Jobs from ``submit`` to ready; ``ready``: how many are."""

    def __init__(
        self, pool: Any, redis: Redis, provider: httpx.AsyncClient, folder: Path, photo: bytes
    ) -> None:
        self.ready = 0
        self.callback_url = ""
        self._pool = pool
        self._redis = redis
        self._provider = provider
        self._folder = folder
        self._photo = photo

    async def submit(self) -> None:
        """Accept a job."""
        job = uuid4().hex
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("INSERT INTO bare_accepted VALUES ($1)", job)
            await connection.execute("INSERT INTO bare_jobs VALUES ($1, 'queued')", job)
        await self._redis.xadd(STREAM, {"job": job})

    async def consume(self, name: str) -> None:
        """Carry jobs until cancelled."""
        while True:
            for entry, fields in await taken(self._redis, name):
                await self._carry(fields[b"job"].decode())
                await self._redis.xack(STREAM, GROUP, entry)

    async def _carry(self, job: str) -> None:
        row = await self._pool.fetchrow(
            "UPDATE bare_jobs SET state = 'held' WHERE id = $1 RETURNING handle", job
        )
        await (self._create(job) if row["handle"] is None else self._fetch(job, row["handle"]))

    async def _create(self, job: str) -> None:
        sent = await self._provider.post("/v1/files", files={"content": ("a.png", self._photo)})
        body = {
            "input": {"prompt": "Furnish it.", "image": sent.json()["urls"]["get"]},
            "webhook": f"{self.callback_url}/{job}",
            "webhook_events_filter": ["completed"],
        }
        made = await self._provider.post("/v1/models/qwen/qwen-image-edit/predictions", json=body)
        await self._pool.execute(
            "UPDATE bare_jobs SET state = 'waiting', handle = $2 WHERE id = $1",
            job,
            made.json()["id"],
        )

    async def _fetch(self, job: str, handle: str) -> None:
        prediction = (await self._provider.get(f"/v1/predictions/{handle}")).json()
        output = prediction["output"]
        picture = await self._provider.get(output if isinstance(output, str) else output[0])
        file = self._folder / f"{job}.png"
        await asyncio.to_thread(file.write_bytes, picture.content)
        await self._pool.execute(
            "UPDATE bare_jobs SET state = 'ready', key = $2 WHERE id = $1", job, str(file)
        )
        self.ready += 1

    async def called_back(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """The callbacks' address, as an ASGI application."""
        while (await receive()).get("more_body"):
            pass
        job = scope["path"].rpartition("/")[2]
        await self._pool.execute("INSERT INTO bare_callbacks VALUES ($1)", job)
        await self._redis.xadd(STREAM, {"job": job})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


@asynccontextmanager
async def bare_chain(
    address: str, redis_url: str, replicate: RunningReplicate, folder: Path, photo: bytes
) -> AsyncIterator[BareChain]:
    """A chain that works, on tables of its own."""
    import asyncpg

    headers = {"authorization": f"Bearer {replicate.token}"}
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(asyncpg.create_pool(address, max_size=10))
        for statement in _TABLES:
            await pool.execute(statement)
        redis = await stack.enter_async_context(bare_redis(redis_url))
        provider = await stack.enter_async_context(
            httpx.AsyncClient(base_url=replicate.url, headers=headers, timeout=60)
        )
        chain = BareChain(pool, redis, provider, folder, photo)
        chain.callback_url = await stack.enter_async_context(serving(chain.called_back))
        async with asyncio.TaskGroup() as consumers:
            tasks = [consumers.create_task(chain.consume(f"{n}")) for n in range(_CONSUMERS)]
            yield chain
            for task in tasks:
                task.cancel()
