"""How an installation stands, told without counting all its jobs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import Staging
from staging_core.database import statistics
from staging_core.database.engine import Transaction
from staging_core.database.tables import jobs
from staging_core.models import Statistics

from .house import ADA, OPERATOR, WISH, installed, photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def told(staging: Staging) -> Statistics:
    return await staging.operating_as(OPERATOR).statistics()


@both
def test_an_installation_without_jobs(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", **database) as staging:
            seen = await told(staging)
            assert set(seen.open.values()) == {0}
            assert (seen.ended, seen.failures, seen.models, seen.stuck) == ({}, {}, (), 0)
            assert (seen.per_hour, seen.oldest_open_s, seen.storage) == (0.0, 0.0, None)

    asyncio.run(scenario())


@both
def test_what_is_open_and_what_ended(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        stagers = ("fake:good?cost_usd=0.04", "fake:bad?script=refused")
        async with installed(tmp_path, *stagers, **database) as staging:
            me = staging.acting_as(ADA)
            for number in range(2):
                await me.images.submit(photo(number), **WISH)
            await me.images.submit(photo(2), model="fake:bad", **WISH)
            await staging.run_worker(until_idle=True)
            for number in (3, 4):
                group = await me.images.submit(photo(number), **WISH)
            await me.images.cancel(group.images[0].id)
            seen = await told(staging)
            assert {state: n for state, n in seen.open.items() if n} == {"queued": 1}
            assert seen.oldest_open_s >= seen.oldest_queued_s > 0
            assert seen.ended == {"cancelled": 1, "error": 1, "ready": 2}
            assert seen.failures == {"refused": 1}
            assert seen.per_hour == round(2 / 24, 3)
            bad, good = seen.models
            assert (bad.model, bad.ready, bad.failed, bad.cost_usd) == ("fake:bad", 0, 1, 0.0)
            assert (good.model, good.ready, good.failed) == ("fake:good", 2, 0)
            assert good.cost_usd == pytest.approx(0.08)
            assert 0 < good.average_s <= good.longest_s

    asyncio.run(scenario())


def test_where_very_many_ended_the_newest_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(statistics, "_MOST_ENDED", 2)
        async with installed(tmp_path, "fake:") as staging:
            for number in range(3):
                await staging.acting_as(ADA).images.submit(photo(number), **WISH)
                await staging.run_worker(until_idle=True)
            async with staging.ports.database.read() as tx:
                newest = await tx.rows(
                    sa.select(jobs.c.finished_at).order_by(jobs.c.finished_at.desc()).limit(2)
                )
            seen = await told(staging)
            assert seen.ended == {"ready": 2}
            assert seen.since == newest[-1]["finished_at"]

    asyncio.run(scenario())


@both
def test_what_is_in_the_storage_is_what_a_sweep_found(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", **database) as staging:
            await staging.acting_as(ADA).images.submit(photo(), **WISH)
            await staging.run_worker(until_idle=True)
            await staging.sweep(bucket=True)
            seen = (await told(staging)).storage
            assert seen is not None
            entries = [entry async for entry in staging.ports.storage.entries("")]
            entries = [entry for entry in entries if "/" in entry.key]
            assert sum(seen.objects.values()) == len(entries) > 0
            assert sum(seen.bytes.values()) == sum(entry.size for entry in entries)

    asyncio.run(scenario())


async def plans(tx: Transaction, statement: sa.Select[Any]) -> str:
    """How the database goes about it."""
    compiled = statement.compile(
        dialect=tx.connection.dialect, compile_kwargs={"literal_binds": True}
    )
    rows = await tx.rows(sa.text(f"EXPLAIN QUERY PLAN {compiled}"))
    return " ".join(row["detail"] for row in rows)


def test_lists_of_dead_and_of_newest_jobs_are_ranges_of_an_index(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:") as staging, staging.ports.database.read() as tx:
            by = (jobs.c.created_at.desc(), jobs.c.id.desc())
            newest = sa.select(jobs).order_by(*by).limit(50)
            told = await plans(tx, newest)
            assert "ix_staging_jobs_newest" in told
            assert "TEMP B-TREE" not in told
            for state, name in (("error", "dead"), ("cancelled", "cancelled")):
                found = await plans(tx, newest.where(jobs.c.state == state))
                assert f"ix_staging_jobs_{name}" in found
                assert "TEMP B-TREE" not in found

    asyncio.run(scenario())
