"""One account's transaction neither sees nor changes another's rows, whatever its query forgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from staging_core import Group, Principal, Staging
from staging_core.acting import Acting
from staging_core.database import events
from staging_core.database.engine import Database
from staging_core.database.rights import account_tables
from staging_core.database.tables import audit_log, metadata
from staging_core.errors import NotFound

from .conftest import Install
from .photos import photo

MINE = Principal(account_id="mine", user_id="me")
OTHERS = Principal(account_id="others", user_id="them")

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@asynccontextmanager
async def two_accounts(staging: Staging) -> AsyncIterator[tuple[Acting, Acting, Group]]:
    """Both have a job that ended and one that waits; the group that waits is the other's."""
    async with staging:
        me, them = staging.acting_as(MINE), staging.acting_as(OTHERS)
        wish: dict[str, Any] = {"room": "bedroom", "style": "modern"}
        for who in (me, them):
            listing = await who.projects.create("listing", idempotency_key="k")
            wish["project_id"] = listing.id
            await who.images.submit(photo(), prompt="with a reading lamp", **wish)
            await who.uploads.presign("room.jpg", "image/jpeg", 1000)
        await staging.run_worker(until_idle=True)
        await me.images.submit(photo(1), room="bedroom", style="modern")
        yield me, them, await them.images.submit(photo(1), **wish)


Call = Callable[[Acting, Group], Awaitable[Any]]


def project(theirs: Group) -> str:
    assert theirs.images[0].project_id is not None
    return theirs.images[0].project_id


CALLS: dict[str, Call] = {
    "image": lambda me, theirs: me.images.get(theirs.images[0].id),
    "group": lambda me, theirs: me.images.group(theirs.id),
    "picture": lambda me, theirs: me.images.read(theirs.images[0].id, "original"),
    "cancel an image": lambda me, theirs: me.images.cancel(theirs.images[0].id),
    "retry an image": lambda me, theirs: me.images.retry(theirs.images[0].id),
    "job": lambda me, theirs: me.jobs.get(theirs.images[0].job.id),
    "delete an image": lambda me, theirs: me.images.delete(theirs.images[0].id),
    "an image's history": lambda me, theirs: me.images.history(theirs.images[0].id),
    "project": lambda me, theirs: me.projects.get(project(theirs)),
    "rename a project": lambda me, theirs: me.projects.rename(project(theirs), "mine"),
    "delete a project": lambda me, theirs: me.projects.delete(project(theirs)),
    "cost of a project": lambda me, theirs: me.projects.cost(project(theirs)),
    "images of a project": lambda me, theirs: me.images.by_original(project(theirs)),
    "submit into a project": lambda me, theirs: me.images.submit(
        photo(), room="bedroom", style="modern", project_id=project(theirs)
    ),
    "look at a picture": lambda me, theirs: me.images.look(theirs.images[0].id, "original"),
    "sign a picture": lambda me, theirs: me.images.presign(theirs.images[0].id),
    "cancel a job": lambda me, theirs: me.jobs.cancel(theirs.images[0].job.id),
}


@both
def test_every_call_by_a_foreign_id_answers_as_if_there_were_nothing(install: Install) -> None:
    async def scenario() -> None:
        async with two_accounts(install()) as (me, them, theirs):
            for name, call in CALLS.items():
                with pytest.raises(NotFound):
                    pytest.fail(f"{name}: {await call(me, theirs)}")
            assert await me.jobs.attempts(theirs.images[0].job.id) == []
            assert await me.jobs.history(theirs.images[0].job.id) == []
            assert [event async for event in me.events(theirs)] == []
            seen = {image.id for image in await me.images.page()}
            assert len(seen) == 2
            assert theirs.images[0].id not in seen
            ours = {job.id for job in await me.jobs.page()}
            assert not ours & {job.id for job in await them.jobs.page()}
            assert await me.images.page(project_id=project(theirs)) == []
            assert len(await me.images.page(search="reading lamp")) == 1
            assert project(theirs) not in {each.id for each in await me.projects.page()}
            assert (await them.projects.get(project(theirs))).name == "listing"
            assert (await them.images.get(theirs.images[0].id)).job.state == "queued"

    asyncio.run(scenario())


@both
def test_users_keys_and_tickets_are_kept_apart(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me, them = staging.acting_as(MINE), staging.acting_as(OTHERS)
            theirs = (await them.keys.create("theirs")).key
            mine = (await me.keys.create("mine")).key
            await them.profile.patch({"phone": "1"})
            namesake = staging.acting_as(Principal(account_id="mine", user_id="them", role="admin"))
            assert (await namesake.profile.get()).phone is None
            for who in (me, namesake):
                with pytest.raises(NotFound):
                    await who.keys.revoke(theirs.id)
            assert await me.keys.page() == [mine]
            assert await namesake.keys.page(everybodys=True) == [mine]
            assert await them.keys.page() == [theirs]
            ticket = await them.tickets.issue()
            assert (await staging.redeem(ticket.token)).account_id == "others"

    asyncio.run(scenario())


@both
def test_webhooks_are_kept_apart(install: Install) -> None:
    """Another account's admin finds none, and is told of nothing."""

    async def scenario() -> None:
        async with install(webhook_hosts=("127.0.0.1:9",)) as staging:
            who = [Principal(account_id=name, role="admin") for name in ("mine", "others")]
            me, them = (staging.acting_as(each).webhooks for each in who)
            theirs = (await them.create("http://127.0.0.1:9/theirs")).endpoint
            sent = await them.test(theirs.id)
            mine = (await me.create("http://127.0.0.1:9/mine")).endpoint
            for call in (
                me.get(theirs.id),
                me.change(theirs.id, enabled=False),
                me.rotate_secret(theirs.id),
                me.deliveries(theirs.id),
                me.delivery(theirs.id, sent.id),
                me.delivery(mine.id, sent.id),
                me.redeliver(theirs.id, sent.id),
                me.redeliver(mine.id, sent.id),
                me.test(theirs.id),
                me.delete(theirs.id),
            ):
                with pytest.raises(NotFound):
                    await call
            assert await me.page() == [mine]
            assert await them.page() == [theirs]
            group = await staging.acting_as(OTHERS).images.submit(
                photo(), room="bedroom", style="modern"
            )
            await staging.acting_as(OTHERS).images.cancel(group.images[0].id)
            assert await me.deliveries(mine.id) == []
            assert len(await them.deliveries(theirs.id)) == 2

    asyncio.run(scenario())


@on_postgresql
def test_a_query_over_webhooks_without_a_filter_sees_its_own_account_only(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install(webhook_hosts=("127.0.0.1:9",)) as staging:
            for name in ("mine", "others"):
                webhooks = staging.acting_as(Principal(account_id=name, role="admin")).webhooks
                await webhooks.test((await webhooks.create("http://127.0.0.1:9/")).endpoint.id)
            await staging.sweep()  # nobody listens there, which is one try
            database = staging.ports.database
            for name in ("endpoints", "deliveries", "attempts"):
                table = f"staging_webhook_{name}"
                assert await accounts_seen(database, "mine", table) == {"mine"}, table
                assert await accounts_seen(database, None, table) == {"mine", "others"}, table

    asyncio.run(scenario())


@on_postgresql
def test_a_query_over_people_without_a_filter_sees_its_own_account_only(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            for who in (MINE, OTHERS):
                me = staging.acting_as(who)
                await me.keys.create("key")
                await me.tickets.issue()
            database = staging.ports.database
            for table in ("staging_users", "staging_api_keys", "staging_tickets"):
                assert await accounts_seen(database, "mine", table) == {"mine"}, table
                assert await accounts_seen(database, None, table) == {"mine", "others"}, table

    asyncio.run(scenario())


@both
def test_the_same_photo_and_the_same_key_in_two_accounts_are_two_orders(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            wish = {"room": "bedroom", "style": "modern", "idempotency_key": "k"}
            mine = await staging.acting_as(MINE).images.submit(photo(), **wish)
            theirs = await staging.acting_as(OTHERS).images.submit(photo(), **wish)
            assert mine.id != theirs.id
            assert mine.images[0].original_key != theirs.images[0].original_key

    asyncio.run(scenario())


async def accounts_seen(database: Database, account_id: str | None, table: str) -> set[str]:
    column = metadata.tables[table].c[account_tables()[table]]
    async with database.read(account_id) as tx:
        return {row[column.name] for row in await tx.rows(sa.select(column).distinct())}


@on_postgresql
def test_a_query_without_a_filter_sees_its_own_account_only(install: Install) -> None:
    async def scenario() -> None:
        async with two_accounts(install()) as (me, _, theirs):
            del me, theirs
        async with (staging := install()):
            database = staging.ports.database
            for table in account_tables():
                assert await accounts_seen(database, "mine", table) <= {"mine"}, table
                assert await accounts_seen(database, "nobody", table) == set(), table
            for name in (
                *("accounts", "creations", "events", "files", "images", "jobs", "originals"),
                *("projects", "uploads", "usage", "words"),
            ):
                table = f"staging_{name}"
                assert await accounts_seen(database, "mine", table) == {"mine"}, table
                assert await accounts_seen(database, None, table) == {"mine", "others"}, table
            async with database.read("mine") as tx:
                assert await events.after(tx, "others", 0) == []

    asyncio.run(scenario())


@on_postgresql
def test_a_write_without_a_filter_changes_its_own_account_only(install: Install) -> None:
    async def scenario() -> None:
        async with two_accounts(install()) as (me, _, theirs):
            database = me.images._ports.database
            del theirs
            for name, own in account_tables().items():
                table = metadata.tables[name]
                if table is audit_log:  # nobody may change what is in it
                    continue
                async with database.write("mine") as tx:
                    theirs_only = table.c[own] == "others"
                    changed = sa.update(table).where(theirs_only).values({own: "others"})
                    assert (await tx.execute(changed)).rowcount == 0, name
                    assert (await tx.execute(sa.delete(table).where(theirs_only))).rowcount == 0
                await _refused(database, sa.update(table).values({own: "others"}), name)
            made_up = sa.insert(metadata.tables["staging_outbox"]).values(
                id="x", account_id="others", kind="delete_object", payload={}, due_at=0,
                created_at=0,
            )  # fmt: skip
            await _refused(database, made_up, "outbox")

    asyncio.run(scenario())


async def _refused(database: Database, statement: sa.Executable, name: str) -> None:
    """A row of ours cannot be given to another account, nor made in its name."""
    written = 0
    with suppress(DBAPIError):
        async with database.write("mine") as tx:
            written = (await tx.execute(statement)).rowcount
    assert written == 0, name


@on_postgresql
def test_an_accounts_transaction_may_not_even_look_at_what_is_nobodys(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            for name in ("staging_leases", "staging_inbox"):
                with pytest.raises(DBAPIError, match="permission denied"):
                    async with staging.ports.database.read("mine") as tx:
                        await tx.rows(sa.select(metadata.tables[name]))

    asyncio.run(scenario())


@on_postgresql
def test_a_transaction_that_reads_cannot_write_and_a_login_without_a_role_can_do_nothing(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            database = staging.ports.database
            with pytest.raises(DBAPIError, match="read-only"):
                async with database.read() as tx:
                    await tx.execute(sa.delete(metadata.tables["staging_leases"]))
            for name in metadata.tables:
                with pytest.raises(DBAPIError, match="permission denied"):
                    async with database.engine.connect() as connection:
                        await connection.execute(sa.select(metadata.tables[name]))

    asyncio.run(scenario())


@on_postgresql
def test_every_table_that_has_an_account_has_both_policies_and_holds_its_owner(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install() as staging, staging.ports.database.read() as tx:
            rows = await tx.rows(sa.text("SELECT tablename, policyname FROM pg_policies"))
            found = {(row["tablename"], row["policyname"]) for row in rows}
            policies = ("staging_app", "staging_system")
            assert found == {(table, name) for table in account_tables() for name in policies}
            forced = await tx.rows(
                sa.text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
            )
            assert {row["relname"] for row in forced} == account_tables().keys()

    asyncio.run(scenario())


@on_postgresql
def test_the_next_transaction_on_a_connection_is_nobodys(install: Install) -> None:
    async def scenario() -> None:
        async with install(database_pool=1) as staging:
            database = staging.ports.database
            async with database.read("mine") as tx:
                first = await tx.rows(sa.text("SELECT current_user AS role"))
            async with database.engine.connect() as connection:
                row = (
                    await connection.execute(
                        sa.text("SELECT current_user, current_setting('staging.account', true)")
                    )
                ).one()
            assert first[0]["role"] == "staging_app"
            assert tuple(row) == ("tests_login", "")

    asyncio.run(scenario())
