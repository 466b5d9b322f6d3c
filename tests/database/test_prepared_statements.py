"""Statements of every job are given to PostgreSQL's driver as they are, past SQLAlchemy."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER as ME
from staging_core.database.engine import Database, Transaction
from staging_core.database.prepared import Prepared, placed, places
from staging_core.database.tables import jobs
from staging_core.errors import DatabaseFailed, NotFound, SettingError
from staging_core.testing.servers.databases import Databases

from .conftest import Install
from .photos import photo

CHANGED = {"report": {"a": [1, "ü", None]}, "progress": 0.1, "message": None, "crashes": 2}
CHANGE = Prepared(
    sa.update(jobs)
    .where(jobs.c.id == sa.bindparam("of_id"), jobs.c.state == "queued")
    .values(seq=jobs.c.seq + 1, **places(jobs, CHANGED))
    .returning(*jobs.c)
)
BACKEND = Prepared(sa.select(sa.func.pg_backend_pid().label("pid")))


def test_values_go_in_and_rows_come_out_as_through_sqlalchemy(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            group = await staging.acting_as(ME).images.submit(
                photo(), room="bedroom", style="modern"
            )
            job_id = group.images[0].job.id
            async with staging.ports.database.write(ME.account_id) as tx:
                before = await tx.row(sa.select(jobs).where(jobs.c.id == job_id))
                changed = await tx.row(CHANGE, {"of_id": job_id, **placed(CHANGED)})
                after = await tx.row(sa.select(jobs).where(jobs.c.id == job_id))
            assert before is not None
            assert after is not None
            assert changed == dict(after)
            assert changed == {**before, **CHANGED, "seq": before["seq"] + 1}

    asyncio.run(scenario())


def test_a_statement_that_finds_nothing_has_no_row(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging, staging.ports.database.write(ME.account_id) as tx:
            assert await tx.row(CHANGE, {"of_id": "none", **placed(CHANGED)}) is None

    asyncio.run(scenario())


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_connection_lost_under_one_is_an_outage_and_is_replaced(
    install: Install, postgresql: Databases
) -> None:
    async def pid(tx: Transaction) -> int:
        row = await tx.row(BACKEND)
        assert row is not None
        return int(row["pid"])

    async def cut_short(database: Database) -> None:
        async with database.write(ME.account_id) as tx:
            postgresql.server.run(f"SELECT pg_terminate_backend({await pid(tx)})")
            await pid(tx)

    async def scenario() -> None:
        async with install(database_pool=1) as staging:
            database = staging.ports.database
            for _ in range(3):  # more often than there are connections
                with pytest.raises(DatabaseFailed):
                    await cut_short(database)
                async with database.write(ME.account_id) as tx:
                    assert await pid(tx)

    asyncio.run(scenario())


IDLE = (
    "SELECT count(*) AS n FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    " AND application_name = 'staging'"
)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("writes", [True, False])
def test_what_is_raised_in_a_transaction_of_them_alone_undoes_it_at_once(
    install: Install, postgresql: Databases, writes: bool
) -> None:
    async def refused(database: Database, job_id: str) -> None:
        begun = database.write(ME.account_id) if writes else database.read(ME.account_id)
        async with begun as tx:
            if writes:
                await tx.row(CHANGE, {"of_id": job_id, **placed(CHANGED)})
            await tx.row(BACKEND)
            raise NotFound()

    async def scenario() -> None:
        async with install(database_pool=3) as staging:
            me, database = staging.acting_as(ME), staging.ports.database
            group = await me.images.submit(photo(), room="bedroom", style="modern")
            job_id = group.images[0].job.id
            with pytest.raises(NotFound):
                await refused(database, job_id)
            assert postgresql.server.run(IDLE)[0]["n"] == 0
            async with asyncio.timeout(5), database.write(ME.account_id) as tx:
                changed = await tx.row(CHANGE, {"of_id": job_id, **placed(CHANGED)})
            assert changed is not None
            assert changed["seq"] == 2  # as if it had not been changed before

    asyncio.run(scenario())


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("at_the_end", [True, False])
def test_a_connection_whose_loss_was_noticed_between_two_is_an_outage_too(
    install: Install, postgresql: Databases, at_the_end: bool
) -> None:
    async def cut_short(database: Database) -> None:
        async with database.write(ME.account_id) as tx:
            row = await tx.row(BACKEND)
            assert row is not None
            postgresql.server.run(f"SELECT pg_terminate_backend({row['pid']})")
            await asyncio.sleep(0.2)
            if not at_the_end:
                await tx.row(BACKEND)

    async def scenario() -> None:
        async with install(database_pool=1) as staging:
            with pytest.raises(DatabaseFailed):
                await cut_short(staging.ports.database)
            async with staging.ports.database.write(ME.account_id) as tx:
                assert await tx.row(BACKEND)

    asyncio.run(scenario())


SLOW = Prepared(sa.select(sa.cast(sa.func.pg_sleep(0.003), sa.Text).label("slept")))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_transactions_cut_short_at_any_moment_leave_the_pool_whole(install: Install) -> None:
    async def work(database: Database) -> None:
        async with database.write(ME.account_id) as tx:
            for _ in range(3):
                await tx.row(SLOW)

    async def scenario() -> None:
        async with install(database_pool=2) as staging:
            database = staging.ports.database
            for cut_at in range(40):
                tasks = [asyncio.create_task(work(database)) for _ in range(2)]
                await asyncio.sleep(cut_at / 2000)
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            async with asyncio.timeout(10):
                await asyncio.gather(*(work(database) for _ in range(4)))

    asyncio.run(scenario())


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_behind_a_pooler_nothing_is_left_prepared(
    install: Install, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        url = f"{database['database']}?prepared_statement_cache_size=0"
        async with install(database=url) as staging:
            await staging.acting_as(ME).images.submit(photo(), room="bedroom", style="modern")
            await staging.run_worker(until_idle=True)
            async with staging.ports.database.write() as tx:
                left = sa.text("SELECT statement FROM pg_prepared_statements")
                assert [row["statement"] for row in await tx.rows(left)] in ([], [left.text])

    asyncio.run(scenario())


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_cache_size_that_is_no_number_is_named(
    install: Install, database: dict[str, Any]
) -> None:
    async def opened() -> None:
        async with install(database=f"{database['database']}?prepared_statement_cache_size=none"):
            pass

    with pytest.raises(SettingError, match="prepared_statement_cache_size"):
        asyncio.run(opened())
