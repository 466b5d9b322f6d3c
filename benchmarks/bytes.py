"""Photos through the S3 storage, eight at a time, against bare aiobotocore in the same run.

The floor puts each photo with ``put_object`` from memory that is there already and reads it back in
a stream. The gate is the memory that the transfer takes above the process at rest: at most 24 MiB
for photos of 8 MB, eight at a time. The server is a process of its own; bytes are made chunk by
chunk, so that only what a storage holds is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.result import Result
from staging_core.backends.s3_storage import S3Storage, open_s3
from staging_core.testing import FakeContext
from staging_core.testing.s3 import S3Process
from staging_core.urls import BackendURL

CHUNK = os.urandom(1 << 18)
LIMIT_MB = 24.0


class Turn(NamedTuple):
    """One round of all photos through one of the two."""

    seconds: float
    cpu_s: float
    above_mb: float


def options(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--photos", type=int, default=16, help="photos a round (16)")
    parser.add_argument("--at-once", type=int, default=8, help="at one time (8)")
    parser.add_argument("--megabytes", type=float, default=8.0, help="size of a photo (8)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of both in turn (3)")


def run(chosen: argparse.Namespace) -> Result:
    """Rounds of both in turn; medians count, and the most memory that any round took."""
    with S3Process() as server, tempfile.TemporaryDirectory() as home:
        ours, bare = asyncio.run(rounds(server, Path(home), chosen))
    moved_mb = 2 * chosen.photos * chosen.megabytes
    subject, floor = (median(turn.seconds for turn in turns) for turns in (ours, bare))
    above = max(turn.above_mb for turn in ours)
    errors = [] if above <= LIMIT_MB else [f"{above:.1f} MiB above rest, {LIMIT_MB:g} allowed"]
    return Result(
        name="bytes",
        unit="MB/s",
        subject=moved_mb / subject,
        floor=moved_mb / floor,
        ratio=subject / floor,
        cpu_us=median(turn.cpu_s for turn in ours) / chosen.photos * 1e6,
        rss_mb=above,
        n=chosen.rounds * chosen.photos,
        errors=errors,
        details={
            "rss_mb_is": "above rest",
            "floor_rss_mb": max(turn.above_mb for turn in bare),
            "floor_cpu_us": median(turn.cpu_s for turn in bare) / chosen.photos * 1e6,
            "at_once": chosen.at_once,
            "photo_mb": chosen.megabytes,
        },
    )


async def rounds(
    server: S3Process, home: Path, chosen: argparse.Namespace
) -> tuple[list[Turn], list[Turn]]:
    """Ours and the floor's, in turn; one small photo each warms both up."""
    url = BackendURL.parse(server.url("photos", uuid.uuid4().hex))
    ours: list[Turn] = []
    bare: list[Turn] = []
    async with open_s3(url, FakeContext(home, secrets=server.secrets)) as storage:
        chunks = int(chosen.megabytes * 1e6 / len(CHUNK)) + 1
        for through in (by_storage, by_client):
            await turn(through, storage, chosen.at_once, chosen.at_once, 1)
        for _ in range(chosen.rounds):
            ours.append(await turn(by_storage, storage, chosen.photos, chosen.at_once, chunks))
            bare.append(await turn(by_client, storage, chosen.photos, chosen.at_once, chunks))
    return ours, bare


async def turn(
    through: Callable[[S3Storage, str, int], Coroutine[Any, Any, None]],
    storage: S3Storage,
    photos: int,
    at_once: int,
    chunks: int,
) -> Turn:
    """Put and read all photos; memory is looked at all the while."""
    places = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        async with places:
            await through(storage, f"{through.__name__}-{number}", chunks)

    rest = peak = rss_mb()
    cpu, began = cpu_s(), time.perf_counter()
    work = asyncio.gather(*(one(number) for number in range(photos)))
    while not work.done():
        peak = max(peak, rss_mb())
        await asyncio.wait([work], timeout=0.005)
    await work
    return Turn(time.perf_counter() - began, cpu_s() - cpu, peak - rest)


async def by_storage(storage: S3Storage, key: str, chunks: int) -> None:
    """The subject."""
    await storage.put(key, made(chunks), content_type="image/jpeg")
    async with storage.read(key) as read:
        size = sum([len(chunk) async for chunk in read])
    assert size == chunks * len(CHUNK)


async def by_client(storage: S3Storage, key: str, chunks: int) -> None:
    """The floor: the bytes in one piece, and the client that the storage is made of."""
    client, where = storage._client, storage._at.object(key)
    await client.put_object(**where, Body=CHUNK * chunks, ContentType="image/jpeg")
    size = 0
    body = (await client.get_object(**where))["Body"]
    while chunk := await body.read(1 << 20):
        size += len(chunk)
    assert size == chunks * len(CHUNK)


async def made(chunks: int) -> AsyncIterator[bytes]:
    """A photo as a caller streams it."""
    for _ in range(chunks):
        yield CHUNK


def rss_mb() -> float:
    """What this process holds now, in MiB; where that cannot be read, the most it has held."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / (1 << 20)


def cpu_s() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
