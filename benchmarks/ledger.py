"""Holds and settlements a second by the ledger, against bare row updates in as many transactions.

Ours takes an image out of a balance and books the entry, in one transaction, and settles it in
another: paid and given back in turn. The floor is a bare driver (``sqlite3`` with the same
durability; ``asyncpg``) that changes the balance's row, one update a transaction, on a copy of the
database, without an entry. Both go one after the other, on one connection and one balance, which is
how the orders of one account meet. Subject and floor are the last of the databases, which is
PostgreSQL unless another was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from benchmarks.engine import cpu_s
from benchmarks.places import KINDS, Place, places
from benchmarks.replay import BEGIN, COMMIT, Bare, Statement, bare
from benchmarks.result import Result, peak_rss_mb
from staging_core import Staging
from staging_core.database import ledger
from staging_core.database.engine import Database, Transaction

ACCOUNT = "acme"
_AT_A_TIME = 20
_HOLD = (
    "UPDATE staging_balances SET available = available - 1, reserved = reserved + 1 "
    "WHERE account_id = 'acme' AND name = 'credits' AND available >= 1"
)
_SETTLE = (
    "UPDATE staging_balances SET reserved = reserved - 1 "
    "WHERE account_id = 'acme' AND name = 'credits'"
)


class Spent(NamedTuple):
    """Seconds of ours and of the bare driver for so many holds, each with its settlement."""

    holds: int
    seconds: float
    bare_seconds: float
    cpu_s: float
    errors: list[str]

    def figures(self, kind: str) -> dict[str, float]:
        """For a result's details."""
        return {
            f"{kind}_per_s": 2 * self.holds / self.seconds,
            f"{kind}_bare_per_s": 2 * self.holds / self.bare_seconds,
            f"{kind}_ratio": self.seconds / self.bare_seconds,
            f"{kind}_cpu_us": self.cpu_s / (2 * self.holds) * 1e6,
        }


def options(parser: argparse.ArgumentParser) -> None:
    """How much, where."""
    parser.add_argument("--n", type=int, default=2000, help="holds on each database (2000)")
    parser.add_argument("--database", choices=KINDS, help="on this one only (both)")


def run(chosen: argparse.Namespace) -> Result:
    """Each database on its own; the last one is the subject."""
    found: dict[str, Spent] = {}
    for kind in [chosen.database] if chosen.database else KINDS:
        with tempfile.TemporaryDirectory() as home, places(kind, Path(home)) as (place,):
            found[kind] = asyncio.run(measure(place, Path(home), chosen.n))
    subject = list(found.values())[-1]
    transactions = 2 * subject.holds
    return Result(
        name="ledger",
        unit="transactions/s",
        subject=transactions / subject.seconds,
        floor=transactions / subject.bare_seconds,
        ratio=subject.seconds / subject.bare_seconds,
        cpu_us=subject.cpu_s / transactions * 1e6,
        rss_mb=peak_rss_mb(),
        n=2 * sum(each.holds for each in found.values()),
        errors=[error for each in found.values() for error in each.errors],
        details={k: v for kind, each in found.items() for k, v in each.figures(kind).items()},
    )


async def measure(place: Place, home: Path, holds: int) -> Spent:
    """Some holds at a time: first ours, then as many bare updates."""
    settings: dict[str, Any] = {"home": home, "stager": "fake:", "plugins": (), **place.settings}
    async with AsyncExitStack() as stack:
        async with Staging(worker=False, **settings) as staging:
            billing = staging.operating("ada").billing
            await billing.credit(ACCOUNT, holds + 1, reason="to be spent")
        floor = await bare(place.kind, stack.enter_context(place.copied()))
        stack.push_async_callback(floor.close)
        staging = await stack.enter_async_context(Staging(worker=False, **settings))
        database = staging.ports.database
        await _ours(database, 1)  # what is done once
        seconds = bare_seconds = cpu = 0.0
        for first in range(0, holds, _AT_A_TIME):
            some = min(_AT_A_TIME, holds - first)
            began, spent = time.perf_counter(), cpu_s()
            await _ours(database, some)
            seconds += time.perf_counter() - began
            cpu += cpu_s() - spent
            bare_seconds += await _bare(floor, some)
        left = (await staging.operating("ada").billing.standing(ACCOUNT)).credits
    errors = [] if left == holds // 2 else [f"{place.kind}: {left} credits are left of {holds}"]
    return Spent(holds, seconds, bare_seconds, cpu, errors)


async def _ours(database: Database, holds: int) -> None:
    jobs = [uuid4().hex for _ in range(holds)]
    for job_id in jobs:
        await database.transact(ACCOUNT, _reserving(job_id))
    for number, job_id in enumerate(jobs):
        await database.transact(ACCOUNT, _settling(job_id, captured=number % 2 == 0))


def _reserving(job_id: str) -> Callable[[Transaction], Awaitable[None]]:
    async def reserve(tx: Transaction) -> None:
        if not await ledger.hold(tx, ACCOUNT, ledger.CREDITS, 1):
            raise RuntimeError("no credits are left")
        await ledger.reserve(tx, ACCOUNT, job_id, ledger.CREDITS)

    return reserve


def _settling(job_id: str, *, captured: bool) -> Callable[[Transaction], Awaitable[None]]:
    job = {"account_id": ACCOUNT, "id": job_id, "reserved_in": ledger.CREDITS}

    async def settle(tx: Transaction) -> None:
        ledger.settle(tx, job, captured=captured)

    return settle


async def _bare(floor: Bare, holds: int) -> float:
    """Seconds of as many transactions with an update each."""
    updates = [_HOLD] * holds + [_SETTLE] * holds
    return await floor.run(
        [Statement(text) for update in updates for text in (BEGIN, update, COMMIT)]
    )
