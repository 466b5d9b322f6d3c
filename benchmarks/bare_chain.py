"""A job's way with bare drivers: asyncpg, Redis and HTTP, and none of our code but picture work.

It does what the steps of a job demand, each in a transaction with a role's and an account's
setting: accepted; claimed by a fence; the attempt's intent before the provider is asked; the photo
uploaded and the prediction created; its handle; the callback's row; claimed again; the prediction
read; its cost, and the intent of a file; the picture fetched, verified, and brought to the disk;
ready. Every move is counted in the account's row and told in an event. Redis carries two wakes.

The picture work is the same as ours, in as many processes of the same kind, so that both have the
same machine left for the rest; neither counts it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
from redis.asyncio import Redis

from benchmarks.bare_stream import GROUP, STREAM, bare_redis, taken
from benchmarks.instant import tiny_photo
from benchmarks.serving import serving
from staging_core.imaging.decoder import Decoder, WorkingCopy
from staging_core.testing.replicate import RunningReplicate

_TABLES = (
    "CREATE TABLE bare_accounts (id text PRIMARY KEY, position bigint NOT NULL)",
    "INSERT INTO bare_accounts VALUES ('local', 0)",
    "CREATE TABLE bare_events (position bigint PRIMARY KEY, job text, state text)",
    "CREATE TABLE bare_accepted (id text PRIMARY KEY)",
    "CREATE TABLE bare_jobs (id text PRIMARY KEY, state text NOT NULL, fence bigint NOT NULL,"
    " handle text, key text, verify_ms float8)",
    "CREATE TABLE bare_attempts (id text PRIMARY KEY, state text, cost float8)",
    "CREATE TABLE bare_callbacks (id text PRIMARY KEY)",
    "CREATE TABLE bare_files (key text PRIMARY KEY, kept boolean)",
)
_SETTINGS = (
    "SELECT set_config('role', current_user, true), set_config('staging.account', 'local', true),"
    " extract(epoch FROM clock_timestamp())::float8"
)
_POSITION = "UPDATE bare_accounts SET position = position + 1 WHERE id = 'local' RETURNING position"
_CONSUMERS = 8

Message = dict[str, Any]


class Means(NamedTuple):
    """What the chain works with."""

    pool: Any
    redis: Redis
    provider: httpx.AsyncClient
    decoder: Decoder


class BareChain:
    """Jobs from ``submit`` to ready; ``ready``: how many are."""

    def __init__(self, means: Means, folder: Path, photo: WorkingCopy) -> None:
        self.ready = 0
        self.callback_url = ""
        self._pool, self._redis, self._provider, self._decoder = means
        self._folder = folder
        self._photo = photo

    async def submit(self) -> None:
        """Accept a job."""
        job = uuid4().hex
        async with self._transaction() as tx:
            await tx.execute("INSERT INTO bare_accepted VALUES ($1)", job)
            await tx.execute("INSERT INTO bare_jobs VALUES ($1, 'queued', 0)", job)
            await self._tell(tx, job, "queued")
        await self._redis.xadd(STREAM, {"job": job})

    async def consume(self, name: str) -> None:
        """Carry jobs until cancelled."""
        while True:
            for entry, fields in await taken(self._redis, name):
                await self._carry(fields[b"job"].decode())
                await self._redis.xack(STREAM, GROUP, entry)

    async def _carry(self, job: str) -> None:
        async with self._transaction() as tx:
            row = await tx.fetchrow(
                "UPDATE bare_jobs SET state = 'held', fence = fence + 1 WHERE id ="
                " (SELECT id FROM bare_jobs WHERE id = $1 FOR UPDATE SKIP LOCKED) RETURNING handle",
                job,
            )
            await self._tell(tx, job, "held")
        await (self._create(job) if row["handle"] is None else self._fetch(job, row["handle"]))

    async def _create(self, job: str) -> None:
        async with self._transaction() as tx:
            await tx.execute("INSERT INTO bare_attempts VALUES ($1, 'started', 0)", job)
            await self._move(tx, job, "submitted")
        content = {"content": ("a.png", self._photo.data)}
        sent = await self._provider.post("/v1/files", files=content)
        body = {
            "input": {"prompt": "Furnish it.", "image": sent.json()["urls"]["get"]},
            "webhook": f"{self.callback_url}/{job}",
            "webhook_events_filter": ["completed"],
        }
        made = await self._provider.post("/v1/models/qwen/qwen-image-edit/predictions", json=body)
        async with self._transaction() as tx:
            await tx.execute("UPDATE bare_attempts SET state = 'waiting' WHERE id = $1", job)
            await tx.execute(
                "UPDATE bare_jobs SET handle = $2 WHERE id = $1", job, made.json()["id"]
            )
            await self._move(tx, job, "waiting")

    async def _fetch(self, job: str, handle: str) -> None:
        prediction = (await self._provider.get(f"/v1/predictions/{handle}")).json()
        output = prediction["output"]
        file = self._folder / f"{job}.png"
        async with self._transaction() as tx:
            await tx.execute("UPDATE bare_attempts SET cost = 0.03 WHERE id = $1", job)
            await tx.execute("INSERT INTO bare_files VALUES ($1, false)", str(file))
            await self._move(tx, job, "fetching")
        picture = await self._provider.get(output if isinstance(output, str) else output[0])
        verified, verify_ms = await self._verified(picture.content)
        await asyncio.to_thread(_write, file, verified)
        async with self._transaction() as tx:
            await tx.execute("UPDATE bare_files SET kept = true WHERE key = $1", str(file))
            await tx.execute("UPDATE bare_attempts SET state = 'succeeded' WHERE id = $1", job)
            kept = "UPDATE bare_jobs SET key = $2, verify_ms = $3 WHERE id = $1"
            await tx.execute(kept, job, str(file), verify_ms)
            await self._move(tx, job, "ready")
        self.ready += 1

    async def _verified(self, output: bytes) -> tuple[bytes, float]:
        """The picture as it is kept, and what that took in milliseconds."""
        began = time.perf_counter()
        verified = await self._decoder.verify(
            output,
            original=self._photo.data,
            width=self._photo.width,
            height=self._photo.height,
            digital_source_type="compositeWithTrainedAlgorithmicMedia",
        )
        return verified.data, (time.perf_counter() - began) * 1e3

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Any]:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.fetchrow(_SETTINGS)
            yield connection

    async def _move(self, tx: Any, job: str, state: str) -> None:
        await tx.execute("UPDATE bare_jobs SET state = $2 WHERE id = $1", job, state)
        await self._tell(tx, job, state)

    async def _tell(self, tx: Any, job: str, state: str) -> None:
        position = await tx.fetchval(_POSITION)
        await tx.execute("INSERT INTO bare_events VALUES ($1, $2, $3)", position, job, state)

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
        async with self._transaction() as tx:
            await tx.execute("INSERT INTO bare_callbacks VALUES ($1)", job)
            await tx.execute("UPDATE bare_jobs SET state = 'due' WHERE id = $1", job)
        await self._redis.xadd(STREAM, {"job": job})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel until they have ended: a driver may lose a cancellation."""
    while going := [task for task in tasks if not task.done()]:
        for task in going:
            task.cancel()
        await asyncio.wait(going, timeout=1)


@asynccontextmanager
async def bare_chain(
    address: str, redis_url: str, replicate: RunningReplicate, decoder: Decoder, folder: Path
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
        photo = await decoder.working_copy(tiny_photo())
        chain = BareChain(Means(pool, redis, provider, decoder), folder, photo)
        chain.callback_url = await stack.enter_async_context(serving(chain.called_back))
        consumers = [asyncio.create_task(chain.consume(f"{n}")) for n in range(_CONSUMERS)]
        try:
            yield chain
        finally:
            await _end(consumers)
