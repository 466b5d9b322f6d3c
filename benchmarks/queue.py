"""Pokes a second, and from a poke to its handler: ``redis:`` and ``local:`` against nothing at all.

``redis:`` against XADD, XREADGROUP, XACK and XDEL on a bare connection to the same real Redis,
``local:`` against an ``asyncio.Queue``; each poke takes turns with the floor's. The handler only
notes the time. Subject and floor are the median latency over Redis.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from redis.asyncio import Redis

from benchmarks.bare_stream import GROUP, STREAM, bare_redis, taken
from benchmarks.engine import cpu_s
from benchmarks.result import Result, peak_rss_mb
from benchmarks.spread import p50_p99, percentile
from staging_core.backends.local_queue import LocalQueue, open_local_queue
from staging_core.backends.taskiq_queue.opening import open_taskiq_queue
from staging_core.backends.taskiq_queue.queue import TaskiqQueue
from staging_core.models import Wake
from staging_core.testing import FakeContext
from staging_core.testing.servers.redis import redis_url
from staging_core.urls import BackendURL

_LANES = frozenset({"default"})
_LOST_S = 10.0

Send = Callable[[str], Awaitable[object]]


class Line(NamedTuple):
    """A queue with a consumer: ``send`` hands in a name, ``arrived`` gives it out at the far end.

    ``drop``: as ``send``, but where nobody consumes.
    """

    send: Send
    arrived: asyncio.Queue[str]
    drop: Send


class Measured(NamedTuple):
    """Seconds from hand-in to handler, each; and hand-ins a second."""

    latencies: list[float]
    per_s: float
    lost: int


def options(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--n", type=int, default=2000, help="pokes of each kind (2000)")


def run(chosen: argparse.Namespace) -> Result:
    """Both queues, each beside its floor."""
    cpu = cpu_s()
    with tempfile.TemporaryDirectory() as home, redis_url() as url:
        ours, bare = asyncio.run(_redis(url, Path(home), chosen.n))
        local, plain = asyncio.run(_local(Path(home), chosen.n))
    cpu = cpu_s() - cpu
    kinds = {"redis": ours, "bare_redis": bare, "local": local, "asyncio_queue": plain}
    subject, floor = (percentile(each.latencies, 0.5) * 1e3 for each in (ours, bare))
    details: dict[str, float] = {}
    for name, each in kinds.items():
        details |= {f"{name}_per_s": each.per_s, **p50_p99(name, each.latencies)}
    return Result(
        name="queue",
        unit="ms",
        subject=subject,
        floor=floor,
        ratio=subject / floor,
        cpu_us=cpu / (4 * 2 * chosen.n) * 1e6,
        rss_mb=peak_rss_mb(),
        n=chosen.n,
        errors=[
            f"{each.lost} wakes of {name} came nowhere" for name, each in kinds.items() if each.lost
        ],
        details=details,
    )


async def _redis(url: str, home: Path, n: int) -> tuple[Measured, Measured]:
    async with AsyncExitStack() as stack:
        opened = open_taskiq_queue(BackendURL.parse(url), FakeContext(home))
        queue = await stack.enter_async_context(opened)
        redis = await stack.enter_async_context(bare_redis(url))
        ours = await stack.enter_async_context(_consumed(queue))
        bare = await stack.enter_async_context(_bare(redis))
        return await _in_turn(ours, bare, n)


async def _local(home: Path, n: int) -> tuple[Measured, Measured]:
    async with (
        open_local_queue(BackendURL.parse("local:"), FakeContext(home)) as queue,
        _consumed(queue) as ours,
        _plain() as plain,
    ):
        return await _in_turn(ours, plain, n)


async def _in_turn(ours: Line, floor: Line, n: int) -> tuple[Measured, Measured]:
    """Latencies one by one in turn, then hand-ins in hundreds in turn."""
    lines = (ours, floor)
    latencies: tuple[list[float], list[float]] = ([], [])
    lost = [0, 0]
    for number in range(n + n // 10):
        for kind, line in enumerate(lines):
            seconds = await _latency(line, f"{number:036d}")
            if seconds is None:
                lost[kind] += 1
            elif number >= n // 10:  # the first ones warm up
                latencies[kind].append(seconds)
    spent = [0.0, 0.0]
    for first in range(0, n, 100):
        for kind, line in enumerate(lines):
            spent[kind] += await _spent(line.drop, range(first, min(n, first + 100)))
    return Measured(latencies[0], n / spent[0], lost[0]), Measured(
        latencies[1], n / spent[1], lost[1]
    )


async def _latency(line: Line, name: str) -> float | None:
    """Seconds until the far end has it; None when it never comes."""
    began = time.perf_counter()
    await line.send(name)
    try:
        async with asyncio.timeout(_LOST_S):
            while await line.arrived.get() != name:
                pass
    except TimeoutError:
        return None
    return time.perf_counter() - began


async def _spent(drop: Send, numbers: range) -> float:
    began = time.perf_counter()
    for number in numbers:
        await drop(f"{number:036d}")
    return time.perf_counter() - began


# --- ours, and the floors ---------------------------------------------------------------------


@asynccontextmanager
async def _consumed(queue: TaskiqQueue | LocalQueue) -> AsyncIterator[Line]:
    arrived: asyncio.Queue[str] = asyncio.Queue()

    async def handler(wake: Wake) -> None:
        arrived.put_nowait(wake.job_id)

    async def send(name: str) -> None:
        await queue.poke(Wake(job_id=name))

    async def drop(name: str) -> None:
        await queue.poke(Wake(job_id=name, lane="nobody"))

    async with _running(queue.consume(handler, lanes=_LANES, concurrency=1)):
        yield Line(send, arrived, drop)


@asynccontextmanager
async def _bare(redis: Redis) -> AsyncIterator[Line]:
    arrived: asyncio.Queue[str] = asyncio.Queue()

    async def consume() -> None:
        while True:
            for entry, fields in await taken(redis, "one"):
                arrived.put_nowait(fields[b"data"].decode())
                async with redis.pipeline() as both:
                    both.xack(STREAM, GROUP, entry)
                    both.xdel(STREAM, entry)
                    await both.execute()

    async def send(name: str) -> None:
        await redis.xadd(STREAM, {"data": name})

    async def drop(name: str) -> None:
        await redis.xadd("nobody", {"data": name}, maxlen=100_000, approximate=True)

    async with _running(consume()):
        yield Line(send, arrived, drop)


@asynccontextmanager
async def _plain() -> AsyncIterator[Line]:
    arrived: asyncio.Queue[str] = asyncio.Queue()
    between: asyncio.Queue[str] = asyncio.Queue()
    nobody: asyncio.Queue[str] = asyncio.Queue()

    async def consume() -> None:
        while True:
            arrived.put_nowait(await between.get())

    async with _running(consume()):
        yield Line(between.put, arrived, nobody.put)


@asynccontextmanager
async def _running(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
