"""Statements of every job are given to PostgreSQL's driver as they are, past SQLAlchemy."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from asyncpg import UniqueViolationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staging_core import OWNER as ME
from staging_core.database.connection import Connection
from staging_core.database.engine import Database, Transaction
from staging_core.database.prepared import Prepared, placed, places
from staging_core.database.tables import gates, jobs
from staging_core.errors import DatabaseFailed, NotFound, SettingError
from staging_core.testing.servers.databases import Databases

from .conftest import Install
from .photos import photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

CHANGED = {"report": {"a": [1, "ü", None]}, "progress": 0.1, "message": None, "crashes": 2}
CHANGE = Prepared(
    sa.update(jobs)
    .where(jobs.c.id == sa.bindparam("of_id"), jobs.c.state == "queued")
    .values(seq=jobs.c.seq + 1, **places(jobs, CHANGED))
    .returning(*jobs.c)
)
BACKEND = Prepared(sa.select(sa.func.pg_backend_pid().label("pid")))


@both
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


@both
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


# --- several in one message -----------------------------------------------------------------------

ADD = Prepared(sa.insert(gates).values(places(gates, ["name", "tokens"])))
FILL = Prepared(
    sa.update(gates)
    .where(gates.c.name == sa.bindparam("of_name"))
    .values(tokens=gates.c.tokens + sa.bindparam("more", type_=sa.Double()))
)
LEVELS = Prepared(sa.select(gates.c.name, gates.c.tokens).order_by(gates.c.name))
DRAIN_ALL = Prepared(sa.update(gates).values(tokens=0.0).returning(gates.c.name))


async def levels(database: Database) -> dict[str, float]:
    async with database.read() as tx:
        return {row["name"]: row["tokens"] for row in await tx.rows(LEVELS)}


@both
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 9), st.booleans()), max_size=8),
    st.sampled_from(["prepared", "plain", "commit"]),
)
def test_what_is_only_written_is_so_after_the_next_statement_whatever_that_is(
    install: Install, fills: list[tuple[str, int, bool]], then: str
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            database = staging.ports.database
            async with database.write() as tx:
                await tx.execute(sa.delete(gates))
                for name in "abcd":
                    await tx.also(ADD, placed({"name": name, "tokens": 0.0}))
            for name, more, waited_for in fills:
                async with database.write() as tx:
                    run = tx.rows if waited_for else tx.also
                    await run(FILL, {"of_name": name, "more": float(more)})
                    if then == "prepared":
                        await tx.also(FILL, {"of_name": name, "more": 1.0})
                        await tx.rows(LEVELS)
                    elif then == "plain":
                        assert await tx.row(sa.select(gates.c.name).limit(1)) is not None
            each = 1 if then == "prepared" else 0
            assert await levels(database) == {
                name: sum(more + each for filled, more, _ in fills if filled == name)
                for name in "abcd"
            }

    asyncio.run(scenario())


@both
def test_what_is_only_written_is_undone_with_its_transaction(install: Install) -> None:
    async def refused(database: Database, then: Prepared | None) -> None:
        async with database.write() as tx:
            await tx.also(ADD, placed({"name": "a", "tokens": 1.0}))
            if then is not None:
                await tx.rows(then)
            raise NotFound()

    async def scenario() -> None:
        async with install() as staging:
            for then in (None, LEVELS, DRAIN_ALL):
                with pytest.raises(NotFound):
                    await refused(staging.ports.database, then)
                assert await levels(staging.ports.database) == {}

    asyncio.run(scenario())


@both
def test_what_is_only_written_and_may_not_be_fails_the_transaction(install: Install) -> None:
    async def twice(database: Database) -> None:
        async with database.write() as tx:
            for _ in range(2):
                await tx.also(ADD, placed({"name": "a", "tokens": 1.0}))

    async def scenario() -> None:
        async with install() as staging:
            with pytest.raises((sa.exc.IntegrityError, UniqueViolationError)):
                await twice(staging.ports.database)
            assert await levels(staging.ports.database) == {}

    asyncio.run(scenario())


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_several_go_to_the_server_in_one_message(install: Install) -> None:
    texts: list[str] = []
    fetch = Connection.fetch

    async def noted(self: Connection, text: str, *values: Any, **more: Any) -> Any:
        texts.append(text)
        return await fetch(self, text, *values, **more)

    async def scenario() -> None:
        async with install() as staging, staging.ports.database.write() as tx:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Connection, "fetch", noted)
                for name in "ab":
                    await tx.also(ADD, placed({"name": name, "tokens": 1.0}))
                assert await tx.rows(LEVELS) == []  # they come after it
                assert len(texts) == 1
                assert [row["name"] for row in await tx.rows(LEVELS)] == ["a", "b"]

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
