"""What requests do, with 1,000,000 images beside 1,000: lists, searches, claims, events, replays.

Both databases are open at once and take turns, so the small one is the floor: how long the same
takes where there is little. Gate: the medians, and what one in a hundred exceeds, are at most 1.5
times as long. Subject and floor are of the operation and database with the worst median ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.engine import cpu_s
from benchmarks.instant import InstantModel
from benchmarks.many_images import EVENTS, PROJECT, QUEUED, add_images, image_id, job_id
from benchmarks.places import KINDS, Place, places
from benchmarks.result import Result, peak_rss_mb
from benchmarks.spread import percentile
from staging_core import OWNER, Staging
from staging_core.database import events, jobs
from staging_core.pipeline import Pipeline

LIMIT = 1.5
_PAGE = 50
_DEEP = 10_000 * _PAGE
_SEED = 5
_FEW_ORIGINALS = 3  # each has twenty images

Clocked = Callable[[], Awaitable[float]]


class Times(NamedTuple):
    """Seconds of each call where there is little, and where there is much."""

    few: list[float]
    many: list[float]

    def ratio(self, share: float) -> float:
        """Of what ``share`` of the calls do not exceed."""
        return percentile(self.many, share) / percentile(self.few, share)


def options(parser: argparse.ArgumentParser) -> None:
    """How much, where."""
    parser.add_argument("--n", type=int, default=1_000_000, help="images (1,000,000)")
    parser.add_argument("--few", type=int, default=1_000, help="images to compare with (1,000)")
    parser.add_argument("--samples", type=int, default=1_000, help="calls of each kind (1,000)")
    parser.add_argument("--database", choices=KINDS, help="on this one only (both)")


def run(chosen: argparse.Namespace) -> Result:
    """Each kind of database on its own."""
    found: dict[str, Times] = {}
    cpu = cpu_s()
    for kind in [chosen.database] if chosen.database else KINDS:
        with tempfile.TemporaryDirectory() as home, places(kind, Path(home), 2) as (few, many):
            measured = asyncio.run(_measure(few, many, Path(home), chosen))
        found |= {f"{kind}_{name}": times for name, times in measured.items()}
    cpu = cpu_s() - cpu
    worst = max(found, key=lambda name: found[name].ratio(0.5))
    return Result(
        name="scale",
        unit="ms",
        subject=percentile(found[worst].many, 0.5) * 1e3,
        floor=percentile(found[worst].few, 0.5) * 1e3,
        ratio=found[worst].ratio(0.5),
        cpu_us=cpu / (2 * chosen.samples * len(found)) * 1e6,
        rss_mb=peak_rss_mb(),
        n=chosen.samples,
        errors=_missed(found),
        details={"worst": worst, **_figures(found)},
    )


def _figures(found: dict[str, Times]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, times in found.items():
        for share, word in ((0.5, "p50"), (0.99, "p99")):
            figures[f"{name}_{word}_ms"] = percentile(times.many, share) * 1e3
            figures[f"{name}_{word}_ratio"] = times.ratio(share)
    return figures


def _missed(found: dict[str, Times]) -> list[str]:
    return [
        f"{word} of {name} is {times.ratio(share):.2f} times as long"
        for name, times in found.items()
        for share, word in ((0.5, "p50"), (0.99, "p99"))
        if times.ratio(share) > LIMIT
    ]


async def _measure(
    few: Place, many: Place, home: Path, chosen: argparse.Namespace
) -> dict[str, Times]:
    async with AsyncExitStack() as stack:
        opened = []
        for place, images in ((few, chosen.few), (many, chosen.n)):
            staging = Staging(
                worker=False,
                home=home,
                storage="memory:",
                stager=(InstantModel(),),
                plugins=(),
                **place.settings,
            )
            async with staging:
                pass  # the tables are there now
            await add_images(place, images)
            opened.append(Operations(await stack.enter_async_context(staging), images))
        pairs = [(await each.all()) for each in opened]
        return {
            name: await _in_turn(pairs[0][name], pairs[1][name], chosen.samples)
            for name in pairs[0]
        }


async def _in_turn(few: Clocked, many: Clocked, samples: int) -> Times:
    times = Times([], [])
    for _ in range(samples // 10):  # warms up
        await few()
        await many()
    for number in range(samples):
        turn = [(few, times.few), (many, times.many)]
        for operation, seconds in turn if number % 2 else reversed(turn):
            seconds.append(await operation())
    return times


class Operations:
    """What is measured of one installation; each call gives the seconds that it took."""

    def __init__(self, staging: Staging, images: int) -> None:
        self._staging = staging
        self._me = staging.acting_as(OWNER)
        self._images = images
        self._dice = random.Random(_SEED)  # noqa: S311
        self._pipeline = Pipeline(staging.ports)

    async def all(self) -> dict[str, Clocked]:
        """Every operation by name."""
        depth = min(_DEEP, self._images - _PAGE)
        deep = await self._me.images.get(image_id(self._images - depth))
        held = await self._pipeline.claim()
        assert held is not None

        async def first_page() -> object:
            return await self._me.images.page(limit=_PAGE)

        async def deep_page() -> object:
            return await self._me.images.page(limit=_PAGE, before=deep)

        async def project_page() -> object:
            return await self._me.images.page(project_id=PROJECT, limit=_PAGE, before=deep)

        async def state_page() -> object:
            return await self._me.images.page(status="ready", limit=_PAGE, before=deep)

        async def style_page() -> object:
            return await self._me.images.page(style="japandi", limit=_PAGE)

        async def search_page() -> object:
            return await self._me.images.page(search="arch", limit=_PAGE)

        async def both_words() -> object:
            return await self._me.images.page(search="armchair arches", limit=_PAGE)

        async def originals() -> object:
            return await self._me.images.by_original(PROJECT, limit=_FEW_ORIGINALS)

        async def status() -> object:
            return await self._me.images.get(image_id(self._any()))

        async def job() -> object:
            return await self._me.jobs.get(job_id(self._any()))

        async def event() -> None:
            async with self._staging.ports.database.write(OWNER.account_id) as tx:
                await jobs.note_progress(tx, held, 0.5, "measured")

        async def replay() -> object:
            async with self._staging.ports.database.read(OWNER.account_id) as tx:
                after = self._any() * EVENTS - EVENTS
                return await events.after(tx, OWNER.account_id, after, limit=_PAGE)

        lists = (first_page, deep_page, project_page, state_page, style_page)
        found = (search_page, both_words, originals)
        plain = (*lists, *found, status, job, event, replay)
        return {each.__name__: _clocked(each) for each in plain} | {"claim": self._claim}

    async def _claim(self) -> float:
        """The job is given back afterwards, as it was."""
        began = time.perf_counter()
        job = await self._pipeline.claim()
        seconds = time.perf_counter() - began
        assert job is not None
        async with self._staging.ports.database.write(OWNER.account_id) as tx:
            await jobs.move(tx, job, "queued", due_at=job["due_at"])
        return seconds

    def _any(self) -> int:
        return self._dice.randint(1, self._images - QUEUED)


def _clocked(operation: Callable[[], Awaitable[object]]) -> Clocked:
    async def clocked() -> float:
        began = time.perf_counter()
        await operation()
        return time.perf_counter() - began

    return clocked
