"""Claims: accounts take turns, counters are exact, a long queue costs no more than a short one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import Principal, Staging
from staging_core.database import claims, jobs
from staging_core.database.engine import Database, Transaction
from staging_core.database.row import Row
from staging_core.database.tables import accounts, groups, images, metadata, originals
from staging_core.states import ACTIVE

from .conftest import Install
from .photos import photo

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

LEASE_S = 60.0


async def take(database: Database, **choices: Any) -> Row | None:
    """Claim as a worker of ``fake`` does."""
    values = {"models": ["fake"], "lease_s": LEASE_S, "most": 500, **choices}
    async with database.write() as tx:
        taken = await claims.claim_new(tx, **values)
    return None if taken is None else taken.job


async def submit(staging: Staging, account_id: str, variants: int) -> None:
    me = staging.acting_as(Principal(account_id=account_id))
    await me.images.submit(photo(), room="bedroom", style="modern", variants=variants)


async def counted(database: Database) -> dict[str, tuple[int, int]]:
    """Queued and in flight, as the rows say; the counters must say the same."""
    async with database.read() as tx:
        rows = await tx.rows(sa.select(metadata.tables["staging_jobs"]))
        told = await tx.rows(sa.select(accounts))
    found = {
        row["id"]: (
            sum(job["account_id"] == row["id"] and job["state"] == "queued" for job in rows),
            sum(job["account_id"] == row["id"] and job["state"] in ACTIVE for job in rows),
        )
        for row in told
    }
    assert {row["id"]: (row["queued"], row["in_flight"]) for row in told} == found
    return found


def test_accounts_take_turns_whoever_came_first(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            for name, variants in (("large", 6), ("small", 2), ("middle", 3)):
                await submit(staging, name, variants)
            database = staging.ports.database
            taken = [await take(database) for _ in range(11)]
            order = [job["account_id"] for job in taken if job is not None]
            assert order[:6] == ["large", "middle", "small"] * 2
            assert order[6:] == ["large", "middle", "large", "large", "large"]
            assert await counted(database) == {
                "large": (0, 6),
                "small": (0, 2),
                "middle": (0, 3),
            }
            assert await take(database) is None

    asyncio.run(scenario())


def test_many_claims_at_once_never_take_the_same_job(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            await submit(staging, "local", 20)
            database = staging.ports.database
            taken = await asyncio.gather(*(take(database) for _ in range(30)))
            ids = [job["id"] for job in taken if job is not None]
            assert len(ids) == len(set(ids))
            while (job := await take(database)) is not None:
                ids.append(job["id"])
            assert len(set(ids)) == 20

    asyncio.run(scenario())


def test_counters_are_exact_after_everything_that_may_happen_to_jobs(install: Install) -> None:
    async def scenario() -> None:
        script = "fake:?script=retryable,ok,refused,busy,ok,garbage,ok"
        async with install(stager=script, backoff_max_s=0.05, sweep_s=0.1) as staging:
            me = staging.acting_as(Principal(account_id="local"))
            group = await me.images.submit(photo(), room="bedroom", style="modern", variants=8)
            await me.images.cancel(group.images[7].id)
            await counted(staging.ports.database)
            await staging.run_worker(until_idle=True)
            assert await counted(staging.ports.database) == {"local": (0, 0)}
            await me.images.retry(group.images[7].id)
            assert await counted(staging.ports.database) == {"local": (1, 0)}

    asyncio.run(scenario())


def test_the_job_due_longest_is_taken_first_however_many_another_model_has(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install(stager=("fake:", "fake:other")) as staging:
            await submit(staging, "local", 20)
            await staging.acting_as(Principal(account_id="local")).images.submit(
                photo(), room="bedroom", style="modern", model="fake:other", idempotency_key="late"
            )
            jobs = metadata.tables["staging_jobs"]
            async with staging.ports.database.write() as tx:
                late = sa.update(jobs).where(jobs.c.model == "fake:other")
                await tx.execute(late.values(due_at=tx.now - 500))
            models = ["fake", "fake:other"]
            job = await take(staging.ports.database, models=models)
            assert job is not None
            assert job["model"] == "fake:other"
            async with staging.ports.database.write() as tx:
                # All are at work, and their worker is dead.
                dead = sa.update(jobs).values(state="waiting", lease_until=0)
                await tx.execute(dead)
            async with staging.ports.database.write() as tx:
                begun = await claims.claim_begun(tx, models=models, lease_s=LEASE_S)
            assert begun is not None
            assert begun.job["model"] == "fake:other"

    asyncio.run(scenario())


def test_a_model_that_may_not_start_stands_in_nobodys_way(install: Install) -> None:
    async def scenario() -> None:
        async with install(stager=("fake:", "fake:other")) as staging:
            me = staging.acting_as(Principal(account_id="local"))
            wish: dict[str, Any] = {"room": "bedroom", "style": "modern"}
            await me.images.submit(photo(), **wish, variants=20)
            await me.images.submit(photo(1), **wish, model="fake:other")
            database = staging.ports.database
            job = await take(database, models=["fake:other"])
            assert job is not None
            assert job["model"] == "fake:other"
            async with database.read() as tx:
                due = await claims.next_due(tx, ["fake"], starting=[])
                assert due is None
                assert await claims.next_due(tx, ["fake"], starting=["fake"]) is not None
                assert len(await claims.due(tx)) == 20

    asyncio.run(scenario())


# --- a long queue ---------------------------------------------------------------------------------

SHORT, LONG = 500, 20_000


async def fill(tx: Transaction, count: int, *, first: int) -> None:
    """``count`` queued and as many finished jobs of one account, with all that they need."""
    account = {"id": "busy", "position": 0, "created_at": 0.0}
    if first == 0:
        await tx.execute(sa.insert(accounts).values(account))
        await _add(tx, originals, [{**_of("o"), **_ORIGINAL}])
        await _add(tx, groups, [{**_of("g"), "original_id": "o", "fingerprint": "", "quote": {}}])
        await _add(tx, images, [{**_of("i"), **_IMAGE}])
    numbers = range(first, first + count)
    table = metadata.tables["staging_jobs"]
    for state in ("queued", "ready"):
        rows = [{**_JOB, **_of(f"{state}{n}"), "state": state, "due_at": n / 1e6} for n in numbers]
        await _add(tx, table, rows)
    await tx.execute(sa.update(accounts).values(queued=accounts.c.queued + count))


def _of(name: str) -> dict[str, Any]:
    return {"id": name, "account_id": "busy", "created_at": 0.0}


_ORIGINAL = {
    "sha256": "", "key": "", "working_key": "", "content_type": "", "width": 1, "height": 1,
}  # fmt: skip
_IMAGE = {"group_id": "g", "original_id": "o", "variant": 0, "request": {}, "job_id": "queued0"}
_JOB = {
    "image_id": "i", "group_id": "g", "model": "fake", "lane": "default", "timings_ms": {},
    "report": {}, "updated_at": 0.0,
}  # fmt: skip


async def _add(tx: Transaction, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 5_000):
        await tx.connection.execute(sa.insert(table), rows[start : start + 5_000])


async def cost_ms(database: Database, rounds: int = 15) -> dict[str, float]:
    """The fastest of some rounds of each query: what a busy machine adds is left out."""
    spent: dict[str, list[float]] = {"claim": [], "due": [], "next_due": [], "queued": []}
    for _ in range(rounds):
        began = time.perf_counter()
        assert await take(database) is not None
        spent["claim"].append(time.perf_counter() - began)
        async with database.read() as tx:
            for name, query in (
                ("due", claims.due(tx, limit=100)),
                ("next_due", claims.next_due(tx, ["fake"], starting=["fake"])),
                ("queued", claims.queued_count(tx, "busy")),
            ):
                began = time.perf_counter()
                await query
                spent[name].append(time.perf_counter() - began)
    return {name: min(times) * 1000 for name, times in spent.items()}


def test_a_queue_forty_times_as_long_costs_a_claim_no_more(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            database = staging.ports.database
            async with database.write() as tx:
                await fill(tx, SHORT, first=0)
            await analyze(staging)
            short = await cost_ms(database)
            async with database.write() as tx:
                await fill(tx, LONG - SHORT, first=SHORT)
            await analyze(staging)
            long = await cost_ms(database)
            for name in short:
                assert long[name] < 3 * short[name] + 2, (name, short, long)

    asyncio.run(scenario())


async def analyze(staging: Staging) -> None:
    """Statistics as a server gathers them on its own after a while."""
    from staging_core.database.engine import open_database

    async with open_database(staging.settings, owner=True) as database, database.write() as tx:
        await tx.connection.exec_driver_sql("ANALYZE")


@asynccontextmanager
async def of_weights(
    install: Install, weights: tuple[int, ...]
) -> AsyncIterator[tuple[Database, list[str]]]:
    """An account of each weight, with 40 jobs that wait; and what the accounts are called."""
    codes = [f"plan{number}" for number in range(len(weights))]
    plans = {
        code: {"images": 1000, "weight": weight}
        for code, weight in zip(codes, weights, strict=True)
    }
    async with install(billing="plans:", plans=plans, default_plan=codes[0]) as staging:
        for code in codes:
            await staging.operating("ada").billing.give_plan(code, code)
            for _ in range(2):
                await submit(staging, code, 20)
        yield staging.ports.database, codes


@pytest.mark.parametrize("weights", [(1, 2), (1, 4), (1, 1), (1, 3, 10)])
def test_of_accounts_that_wait_each_has_as_many_begun_as_its_weight_says(
    install: Install, weights: tuple[int, ...]
) -> None:
    async def scenario() -> None:
        async with of_weights(install, weights) as (database, codes):
            began: list[str] = []
            for round_ in range(1, 5):
                for _ in range(sum(weights)):
                    job = await take(database)
                    assert job is not None
                    began.append(job["account_id"])
                expected = [round_ * weight for weight in weights]
                assert [began.count(code) for code in codes] == expected
            assert set(began[: len(codes)]) == set(codes), "nobody waits for another's weight"

    asyncio.run(scenario())


async def end(database: Database, job: Row | None) -> str:
    """The job is over before anybody takes another; whose it was."""
    assert job is not None
    async with database.write(job["account_id"]) as tx:
        await jobs.move(tx, job, "error")
    account_id: str = job["account_id"]
    return account_id


@pytest.mark.parametrize("weights", [(1, 2), (1, 3, 10)])
def test_where_one_job_is_done_after_the_other_each_has_turns_as_its_weight_says(
    install: Install, weights: tuple[int, ...]
) -> None:
    async def scenario() -> None:
        async with of_weights(install, weights) as (database, codes):
            for _ in range(3):
                done = [await end(database, await take(database)) for _ in range(sum(weights))]
                assert [done.count(code) for code in codes] == list(weights)

    asyncio.run(scenario())


def test_who_had_nothing_to_do_is_next_and_then_shares(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            database = staging.ports.database
            for _ in range(2):
                await submit(staging, "busy", 20)
            for _ in range(20):
                await end(database, await take(database))
            await submit(staging, "rare", 10)
            done = [await end(database, await take(database)) for _ in range(10)]
            assert done[0] == "rare"
            assert done.count("rare") in (5, 6), "it has no more coming for having been away"
            await submit(staging, "new", 1)
            assert "new" in [await end(database, await take(database)) for _ in range(2)]

    asyncio.run(scenario())


def test_a_larger_plan_counts_from_the_next_order(install: Install) -> None:
    async def scenario() -> None:
        plans = {"free": {"images": 100}, "pro": {"images": 100, "weight": 3}}
        async with install(billing="plans:", plans=plans) as staging:
            await submit(staging, "ada", 10)
            await submit(staging, "bob", 10)
            database = staging.ports.database
            before = [await take(database) for _ in range(4)]
            assert sorted(job["account_id"] for job in before if job) == [
                "ada",
                "ada",
                "bob",
                "bob",
            ]
            await staging.operating("eve").billing.give_plan("bob", "pro")
            await submit(staging, "bob", 5)
            after = [await take(database) for _ in range(4)]
            assert sorted(job["account_id"] for job in after if job) == ["ada", *["bob"] * 3]

    asyncio.run(scenario())
