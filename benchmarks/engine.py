"""Jobs a second with ``fake:`` against bare SQLite transactions, as many as the engine commits.

The floor writes one small row a transaction with the same durability (WAL, full sync), one after
the other: what a job would cost if nothing but its commits had to be done. A tiny photo in memory
keeps picture and file work small; their share is in the details.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import resource
import sqlite3
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import sqlalchemy as sa
from PIL import Image

from benchmarks.result import Result, peak_rss_mb
from staging_core import OWNER, Staging
from staging_core.models import Job

VARIANTS = 20


class Round(NamedTuple):
    """One drained queue, and the same number of bare commits right after it."""

    seconds: float
    bare_seconds: float
    commits: int
    cpu_s: float
    jobs: list[Job]


def options(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--jobs", type=int, default=200, help="jobs a round, in twenties (200)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    parser.add_argument("--storage", default="memory:", help="where pictures are kept (memory:)")


def run(chosen: argparse.Namespace) -> Result:
    """Rounds of both in turn; the round of the median ratio counts."""
    rounds = []
    for _ in range(chosen.rounds):
        with tempfile.TemporaryDirectory() as home:
            rounds.append(asyncio.run(one_round(Path(home), chosen)))
    rounds.sort(key=lambda each: each.seconds / each.bare_seconds)
    middle = rounds[len(rounds) // 2]
    done = len(middle.jobs)
    return Result(
        name="engine",
        unit="jobs/s",
        subject=done / middle.seconds,
        floor=done / middle.bare_seconds,
        ratio=middle.seconds / middle.bare_seconds,
        cpu_us=middle.cpu_s / done * 1e6,
        rss_mb=peak_rss_mb(),
        n=sum(len(each.jobs) for each in rounds),
        errors=[f"a job ended as {job.state}" for job in middle.jobs if job.state != "ready"],
        details={
            "commits_per_job": middle.commits / done,
            **{f"{phase}_ms_per_job": ms for phase, ms in phases(middle.jobs).items()},
        },
    )


async def one_round(home: Path, chosen: argparse.Namespace) -> Round:
    """Fill a queue, then measure how long draining it takes."""
    settings = {"home": home, "storage": chosen.storage, "stager": "fake:", "plugins": ()}
    async with Staging(worker=False, **settings) as staging:
        me = staging.acting_as(OWNER)
        photo = tiny_photo()
        groups = [
            await me.images.submit(photo, room="bedroom", style="modern", variants=VARIANTS)
            for _ in range(max(1, chosen.jobs // VARIANTS))
        ]
        commits = count_commits(staging)
        cpu, began = cpu_s(), time.perf_counter()
        await staging.run_worker(until_idle=True)
        seconds = time.perf_counter() - began
        cpu = cpu_s() - cpu
        ended = [image.job for group in groups for image in (await me.wait(group)).images]
    return Round(seconds, bare_commits(home / "bare.db", len(commits)), len(commits), cpu, ended)


def count_commits(staging: Staging) -> list[None]:
    """A list that grows by one at each writing commit of the engine."""
    commits: list[None] = []

    def committed(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("staging_write"):
            commits.append(None)

    sa.event.listen(staging.ports.database.engine.sync_engine, "commit", committed)
    return commits


def bare_commits(path: Path, count: int) -> float:
    """Seconds that ``count`` one-row transactions take without us."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE jobs (id TEXT PRIMARY KEY, state TEXT)")
    began = time.perf_counter()
    for number in range(count):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO jobs VALUES (?, 'ready')", (str(number),))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def tiny_photo() -> bytes:
    """A picture of 96 x 64 pixels that is not blank."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((96, 64)).convert("RGB").save(file, "PNG")
    return file.getvalue()


def phases(done: list[Job]) -> dict[str, Any]:
    """The median time of each phase, in milliseconds."""
    names = {name for job in done for name in job.timings_ms}
    return {name: median(job.timings_ms.get(name, 0.0) for job in done) for name in sorted(names)}


def cpu_s() -> float:
    """CPU seconds of this process and its ended children."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
