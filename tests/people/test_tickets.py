"""A ticket opens one event stream, once, for half a minute."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Credentials, Principal, Staging
from staging_core.database import tables
from staging_core.errors import Forbidden, Unauthorized
from staging_core.models.secret_token import KEY_PREFIX, TICKET_PREFIX, new_token

from .conftest import Install, both, signed_in, token


async def kept(staging: Staging) -> list[dict[str, Any]]:
    async with staging.ports.database.read() as tx:
        return [dict(row) for row in await tx.rows(sa.select(tables.tickets))]


@both
def test_a_ticket_stands_for_its_user_once_and_follows_events_only(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            ada = await signed_in(staging, token(role="admin"))
            ticket = await staging.acting_as(ada).tickets.issue()
            assert ticket.token not in repr(ticket)
            (row,) = await kept(staging)
            assert ticket.token not in str(row)
            assert row["expires_at"] == ticket.expires_at
            by_ticket = await staging.redeem(ticket.token)
            assert by_ticket == Principal(
                account_id=ada.account_id,
                user_id=ada.user_id,
                scopes=frozenset({"events:read"}),
            )
            staging.acting_as(by_ticket).events()
            with pytest.raises(Forbidden):
                await staging.acting_as(by_ticket).images.page()
            with pytest.raises(Unauthorized):
                await staging.redeem(ticket.token)
            assert await kept(staging) == []

    asyncio.run(scenario())


@both
def test_of_many_who_show_a_ticket_at_one_moment_one_is_let_in(install: Install) -> None:
    async def scenario() -> None:
        async with install() as one, install() as another:
            ticket = await one.acting_as(OWNER).tickets.issue()
            calls = [(one, another)[n % 2].redeem(ticket.token) for n in range(20)]
            found = await asyncio.gather(*calls, return_exceptions=True)
            assert sum(isinstance(each, Principal) for each in found) == 1
            assert sum(isinstance(each, Unauthorized) for each in found) == 19

    asyncio.run(scenario())


@both
def test_a_ticket_that_is_too_old_is_turned_away_and_dropped(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            old, fresh = await me.tickets.issue(), await me.tickets.issue()
            async with staging.ports.database.write() as tx:
                assert 29 < fresh.expires_at - tx.now <= 30
                aged = sa.update(tables.tickets).where(
                    tables.tickets.c.expires_at == old.expires_at
                )
                await tx.execute(aged.values(expires_at=tx.now))
            with pytest.raises(Unauthorized):
                await staging.redeem(old.token)
            assert [row["expires_at"] for row in await kept(staging)] == [fresh.expires_at]
            await staging.redeem(fresh.token)

    asyncio.run(scenario())


def test_the_hourly_sweep_drops_what_nobody_used(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(OWNER)
            fresh = await me.tickets.issue()
            await me.tickets.issue()
            async with staging.ports.database.write() as tx:
                is_old = tables.tickets.c.expires_at != fresh.expires_at
                await tx.execute(sa.update(tables.tickets).where(is_old).values(expires_at=tx.now))
            await staging.sweep(bucket=True)
            assert [row["expires_at"] for row in await kept(staging)] == [fresh.expires_at]

    asyncio.run(scenario())


def test_what_is_no_ticket_is_turned_away(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            for text in ("", "ä", new_token(TICKET_PREFIX), new_token(KEY_PREFIX), "x" * 100_000):
                with pytest.raises(Unauthorized) as caught:
                    await staging.redeem(text)
                assert not text or text not in str(caught.value)

    asyncio.run(scenario())


def test_a_key_without_the_scope_gets_no_ticket(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            held = Principal(account_id="a", scopes=frozenset({"images:write"}))
            with pytest.raises(Forbidden, match="events:read"):
                await staging.acting_as(held).tickets.issue()
            assert await kept(staging) == []

    asyncio.run(scenario())


@both
@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
def test_a_ticket_opens_nothing_once_the_key_that_made_it_does_not(
    install: Install, end: str
) -> None:
    async def scenario() -> None:
        async with install(auth=["keys:"]) as staging, install(auth=["keys:"]) as another:
            me = staging.acting_as(OWNER)
            lasts, ends = [
                await me.keys.create("follows", scopes=["events:read"], expires_in_s=3600)
                for _ in range(2)
            ]
            tickets = [
                await staging.acting_as(
                    await signed_in(staging, Credentials(bearer=made.secret))
                ).tickets.issue()
                for made in (lasts, ends)
            ]
            column = tables.api_keys.c[end]
            async with staging.ports.database.write() as tx:
                over = sa.update(tables.api_keys).where(tables.api_keys.c.id == ends.key.id)
                await tx.execute(over.values({column: tx.now - 1}))
            by_ticket = await another.redeem(tickets[0].token)
            assert (by_ticket.key_id, by_ticket.expires_at) == (lasts.key.id, lasts.key.expires_at)
            with pytest.raises(Unauthorized):
                await another.redeem(tickets[1].token)
            assert await kept(staging) == []

    asyncio.run(scenario())


@both
def test_a_ticket_outlives_no_token(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            ada = await signed_in(staging, token())
            async with staging.ports.database.read() as tx:
                ending, over = (
                    Principal(account_id=ada.account_id, user_id=ada.user_id, expires_at=at)
                    for at in (tx.now + 5, tx.now)
                )
            ticket = await staging.acting_as(ending).tickets.issue()
            assert ticket.expires_at == ending.expires_at
            assert (await staging.redeem(ticket.token)).expires_at == ending.expires_at
            late = await staging.acting_as(over).tickets.issue()
            with pytest.raises(Unauthorized):
                await staging.redeem(late.token)

    asyncio.run(scenario())


def test_a_ticket_of_the_version_before_opens_its_stream(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            ticket = await staging.acting_as(OWNER).tickets.issue()
            async with staging.ports.database.write() as tx:
                untold = {"key_id": None, "sign_in_expires_at": None}
                await tx.execute(sa.update(tables.tickets).values(untold))
            by_ticket = await staging.redeem(ticket.token)
            assert (by_ticket.key_id, by_ticket.expires_at) == (None, None)

    asyncio.run(scenario())
