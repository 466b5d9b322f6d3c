"""Ten thousand event streams in one process: what they hold, and from a commit to one of them.

A real ``staging serve --no-worker`` with PostgreSQL and Redis serves streams, each of one image.
This process is their clients, and commits events of images as a worker does: some one by one, then
at a rate, thirty images a commit. Latency is from the end of the commit to the bytes at the one
client that follows the image. The floor is a bare ASGI application with as many streams, which
hears of each event from one Redis subscription and passes it on; its publisher is bare too.
Gates: 200 MB in the process, p50 0.6 ms one by one, p99 10 ms at the rate (the times only as
long as the floor keeps to them itself), one Redis connection that listens, nothing lost.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from redis.asyncio import Redis

from benchmarks import process
from benchmarks.bare_streams import CHANNEL
from benchmarks.listeners import Listeners
from benchmarks.many_images import EVENTS, PROJECT, add_images, image_id, job_id
from benchmarks.places import PostgresPlace, places
from benchmarks.result import Result, peak_rss_mb
from benchmarks.spread import p50_p99, percentile
from staging_core import OWNER, Staging
from staging_core.database import events
from staging_core.testing.servers.redis import RedisServer, redis_server

MOST_MB, P50_MS, P99_MS = 200.0, 0.6, 10.0
_A_COMMIT = 30
_LOST_S = 20.0

Tell = Callable[[list[int]], Awaitable[float]]
"""Tell of each of the images of these numbers; since when it could be heard, by ``perf_counter``.

That is the end of a commit; the floor has none, there it is when publishing began.
"""


class Found(NamedTuple):
    """Seconds one by one and at the rate; KiB of the serving process; events that never came."""

    alone: list[float]
    at_rate: list[float]
    memory_kb: int
    lost: int


def options(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--streams", type=int, default=10_000, help="open at once (10,000)")
    parser.add_argument("--n", type=int, default=300, help="events one by one (300)")
    parser.add_argument("--rate", type=int, default=3000, help="events a second (3,000)")
    parser.add_argument("--seconds", type=int, default=5, help="at that rate (5)")


def run(chosen: argparse.Namespace) -> Result:
    """Ours, then the floor."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with (
        tempfile.TemporaryDirectory() as home,
        places("postgresql", Path(home)) as (place,),
        redis_server() as redis,
    ):
        assert isinstance(place, PostgresPlace)
        asyncio.run(add_images(place, chosen.streams))
        ours, listening = _ours(place, redis, Path(home), chosen)
        bare = _bare(redis, chosen)
    ms = [percentile(each.alone, 0.5) * 1e3 for each in (ours, bare)]
    return Result(
        name="sse",
        unit="ms",
        subject=ms[0],
        floor=ms[1],
        ratio=ms[0] / ms[1],
        rss_mb=peak_rss_mb(),
        n=chosen.n + chosen.rate * chosen.seconds,
        errors=_missed(ours, bare, listening),
        details={
            "streams": float(chosen.streams),
            "server_mb": ours.memory_kb / 1024,
            "bare_server_mb": bare.memory_kb / 1024,
            "listening_connections": float(listening),
            **p50_p99("one_by_one", ours.alone),
            **p50_p99("bare_one_by_one", bare.alone),
            **p50_p99("at_rate", ours.at_rate),
            **p50_p99("bare_at_rate", bare.at_rate),
        },
    )


def _missed(ours: Found, bare: Found, listening: int) -> list[str]:
    errors = [f"{ours.lost} events never came"] if ours.lost else []
    if ours.memory_kb / 1024 > MOST_MB:
        errors.append(f"{ours.memory_kb / 1024:.0f} MB in the process, {MOST_MB:g} allowed")
    if listening != 1:
        errors.append(f"{listening} connections listen to Redis, 1 allowed")
    for name, share, limit_ms, mine, floor in (
        ("one by one", 0.5, P50_MS, ours.alone, bare.alone),
        ("at the rate", 0.99, P99_MS, ours.at_rate, bare.at_rate),
    ):
        found = percentile(mine, share) * 1e3
        if found > limit_ms >= percentile(floor, share) * 1e3:
            errors.append(f"{name} p{share * 100:g} is {found:.2f} ms, {limit_ms:g} allowed")
    return errors


# --- ours -----------------------------------------------------------------------------------------


def _ours(
    place: PostgresPlace, redis: RedisServer, home: Path, chosen: argparse.Namespace
) -> tuple[Found, int]:
    settings: dict[str, Any] = {
        "home": home,
        "queue": redis.url,
        "stager": "fake:",
        "rate_limit_requests": 1_000_000,
        "rate_limit_address": 1_000_000,
        "max_streams": 1_000_000,
        **place.settings,
    }
    env = {f"STAGING_{name.upper()}": str(value) for name, value in settings.items()}
    words = ("-m", "staging_core", "serve", "--no-worker", "--host", "127.0.0.1", "--port", "0")
    with process.python(*words, said="Serving on http://", env=env) as serving:
        return asyncio.run(_measure_ours(serving, settings, redis, chosen))


async def _measure_ours(
    server: process.Started,
    settings: dict[str, Any],
    redis: RedisServer,
    chosen: argparse.Namespace,
) -> tuple[Found, int]:
    async with Staging(worker=False, plugins=(), **settings) as staging:
        told = count(EVENTS + 1)  # more than any job has

        async def tell(numbers: list[int]) -> float:
            async with staging.ports.database.write(OWNER.account_id) as tx:
                for number in numbers:
                    tx.tell(_progress(number, next(told)))
            return time.perf_counter()

        paths = {n: f"/api/v1/events?image_id={image_id(n)}" for n in _numbers(chosen)}
        async with Listeners(server.port, paths) as listeners:
            found = await _measured(server.pid, listeners, tell, chosen)
            clients = redis.ask("CLIENT", "LIST", "TYPE", "pubsub").decode()
        # The committing process listens to nothing; what is heard is heard by the serving one.
        return found, clients.count("id=")


def _progress(number: int, seq: int) -> events.Draft:
    return events.Draft(
        account_id=OWNER.account_id,
        job_id=job_id(number),
        image_id=image_id(number),
        group_id=image_id(number),
        seq=seq,
        type="progress",
        state="staging",
        data={"progress": 0.5, "phase": "drawing"},
        project_id=PROJECT,
    )


# --- the floor ------------------------------------------------------------------------------------


def _bare(redis: RedisServer, chosen: argparse.Namespace) -> Found:
    words = ("-m", "benchmarks.bare_streams", redis.url)
    with process.python(*words, said="Serving on http://") as serving:
        return asyncio.run(_measure_bare(serving, redis, chosen))


async def _measure_bare(
    server: process.Started, redis: RedisServer, chosen: argparse.Namespace
) -> Found:
    async with Redis.from_url(redis.url) as publisher:

        async def tell(numbers: list[int]) -> float:
            began = time.perf_counter()
            async with publisher.pipeline(transaction=False) as pipeline:
                for number in numbers:
                    pipeline.publish(CHANNEL, f"{number}")
                await pipeline.execute()
            return began

        paths = {n: f"/{n}" for n in _numbers(chosen)}
        async with Listeners(server.port, paths) as listeners:
            return await _measured(server.pid, listeners, tell, chosen)


# --- both -----------------------------------------------------------------------------------------


def _numbers(chosen: argparse.Namespace) -> range:
    return range(1, chosen.streams + 1)


async def _measured(
    pid: int, listeners: Listeners, tell: Tell, chosen: argparse.Namespace
) -> Found:
    """With all streams open: events one by one, then at the rate."""
    memory_kb = process.memory_kb(pid)
    alone: list[float] = []
    for number in _spread(chosen.streams, chosen.n):
        alone += await _told(listeners, tell, [number])
    at_rate = await _at_rate(listeners, tell, chosen)
    told = chosen.n + len(_commits(chosen)) * _A_COMMIT
    return Found(alone, at_rate, memory_kb, told - len(alone) - len(at_rate))


def _spread(streams: int, count: int) -> list[int]:
    """Numbers of streams, each far from the one before."""
    return [1 + n * 7919 % streams for n in range(count)]


def _commits(chosen: argparse.Namespace) -> list[list[int]]:
    numbers = _spread(chosen.streams, chosen.rate * chosen.seconds)
    return [numbers[at : at + _A_COMMIT] for at in range(0, len(numbers), _A_COMMIT)][:-1]


async def _told(listeners: Listeners, tell: Tell, numbers: list[int]) -> list[float]:
    """Seconds from the commit's end to each of its listeners that heard."""
    waiting = [listeners.next(number) for number in numbers]
    since = await tell(numbers)
    await asyncio.wait(waiting, timeout=_LOST_S)
    return [max(0.0, each.result() - since) for each in waiting if each.done()]


async def _at_rate(listeners: Listeners, tell: Tell, chosen: argparse.Namespace) -> list[float]:
    began = time.monotonic()
    async with asyncio.TaskGroup() as commits:
        told = []
        for number, numbers in enumerate(_commits(chosen)):
            due = began + number * _A_COMMIT / chosen.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            told.append(commits.create_task(_told(listeners, tell, numbers)))
    return [seconds for each in told for seconds in each.result()]
