"""What a deleted account pays for ends at the provider, whenever the process dies that ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from tests.engine.crashing import Crash, Cut
from tests.engine.house import House, open_house

from staging_core import OWNER, Principal
from staging_core.account_closing import close_account
from staging_core.acting.billing import Billing
from staging_core.audit import SOUND, Audit
from staging_core.database import accounts, payment_events, tables
from staging_core.imaging.decoder import Decoder
from staging_core.models import Actor, PaidSubscription, PaymentNotice
from staging_core.payments.comparison import Comparison
from staging_core.payments.ending import WAIT_S
from staging_core.payments.following import Following
from staging_core.payments.reports import Reports
from staging_core.ports import Ports
from staging_core.recovery import Recovery
from staging_core.testing import FakeProvider, paying, signed
from staging_core.testing.fake_stager import FakeStager

from .conftest import AMOUNTS, PACKS, PLANS
from .counter import open_counter

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
ADA = Actor(user_id=OWNER.user_id)


class Till:
    """``house``: the installation; ``provider``: where its accounts pay."""

    def __init__(self, house: House, provider: FakeProvider) -> None:
        self.house, self.provider = house, provider
        self.told = 0

    async def buy(self, price_id: str) -> Any:
        """On the provider's page; what it reports is followed."""
        billing = Billing(self.house.ports, OWNER)
        bought = self.provider.pay_page(await billing.checkout(price_id))
        await self.follow()
        return bought

    async def follow(self) -> None:
        """All that the provider has reported since is looked at."""
        reports = Reports(self.house.ports)
        for notice in self.provider.events[self.told :]:
            await reports.receive(signed(self.provider, notice))
        self.told = len(self.provider.events)
        await Following(self.house.ports).follow()

    async def sweep(self, ports: Ports | None = None) -> None:
        """As one process does that waits long enough in between."""
        recovery = Recovery(ports or self.house.ports)
        for _ in range(4):
            await recovery.sweep()
            self.house.clock.ahead += WAIT_S / 2
        await recovery.sweep()
        await recovery.give_back()

    async def is_there(self) -> bool:
        async with self.house.ports.database.read() as tx:
            return await accounts.is_there(tx, OWNER.account_id)

    async def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        async with self.house.ports.database.read() as tx:
            return [dict(row) for row in await tx.rows(sa.select(table))]


@asynccontextmanager
async def open_till(home: Path, decoder: Decoder, **choices: Any) -> AsyncIterator[Till]:
    houses: list[House] = []

    def clock() -> float:
        return houses[0].clock()

    provider = FakeProvider(AMOUNTS, clock=clock)
    choices |= {"plans": PLANS, "packs": PACKS, "public_url": "https://staging.example"}
    choices |= {"billing": paying(provider, source="stripe")}
    async with open_house(home, FakeStager(), decoder=decoder, **choices) as house:
        houses.append(house)
        yield Till(house, provider)


def at_the_till(home: Path, scenario: Any, **database: Any) -> None:
    async def run() -> None:
        async with Decoder() as decoder, open_till(home, decoder, **database) as till:
            await scenario(till)

    asyncio.run(run())


@both
def test_all_that_it_pays_for_ends_and_then_it_is_gone(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario(at: Till) -> None:
        bought = await at.buy("pro_now")
        await at.buy("ten_now")
        open_page = await Billing(at.house.ports, OWNER).checkout("ten_now")
        await close_account(at.house.ports, OWNER.account_id, ADA)
        await Recovery(at.house.ports).sweep()
        assert "end_payments" not in at.provider.calls  # calls may be under way, and overage untold
        await at.sweep()
        assert at.provider.calls.count("end_payments") == 1
        assert at.provider.subscriptions[bought.id].status == "canceled"
        assert open_page not in at.provider.pages
        assert not await at.is_there()
        assert await at.rows(tables.customers) == await at.rows(tables.purchases) == []

    at_the_till(tmp_path, scenario, **database)


def test_what_the_provider_says_of_it_later_waits_for_nobody(tmp_path: Path) -> None:
    async def scenario(at: Till) -> None:
        await at.buy("pro_now")
        pack = await at.buy("ten_now")
        await close_account(at.house.ports, OWNER.account_id, ADA)
        await at.sweep()
        assert not await at.is_there()
        at.provider.purchases[pack.id] = replace(pack, refunded_cents=900)
        for events in (at.provider.events, []):
            at.told = 0 if events else at.told
            await at.follow()
            at.house.clock.ahead += 86_400
            await Comparison(at.house.ports).when_due()
            await at.follow()
        assert [row["due_at"] for row in await at.rows(tables.payment_objects)] == [None] * 3
        assert (await Comparison(at.house.ports).compare()).differing == 0
        assert OWNER.account_id not in str(await at.rows(tables.payment_objects))
        assert await Audit(at.house.ports).count() == SOUND

    at_the_till(tmp_path, scenario)


@both
def test_it_ends_once_wherever_the_process_dies_that_ends_it(
    tmp_path: Path, database: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    fresh = request.getfixturevalue("postgresql").fresh if database else None

    async def die(home: Path, decoder: Decoder, at: int, choices: dict[str, Any]) -> bool:
        """Whether the process lived to its end when it was to die at that call."""
        async with open_till(home, decoder, **choices) as till:
            bought = await till.buy("pro_now")
            await close_account(till.house.ports, OWNER.account_id, ADA)
            till.house.clock.ahead += WAIT_S
            cut, whole = Cut(at), False
            with suppress(Crash):
                await Recovery(cut.into(till.house.ports)).sweep()
                whole = True
            till.house.clock.ahead += 60  # until nobody believes in the dead one any more
            await till.sweep()
            assert till.provider.subscriptions[bought.id].status == "canceled"
            assert not await till.is_there()
            assert await Audit(till.house.ports).count() == SOUND
        return whole

    async def scenario() -> None:
        async with Decoder() as decoder:
            at, whole = 1, False
            while not whole:
                home = tmp_path / str(at)
                if fresh is None:
                    whole = await die(home, decoder, at, {})
                else:
                    with fresh() as choices:
                        whole = await die(home, decoder, at, choices)
                at += 5 if fresh is None else 12

    asyncio.run(scenario())


def test_while_the_provider_is_away_the_account_waits(tmp_path: Path) -> None:
    async def scenario(at: Till) -> None:
        bought = await at.buy("pro_now")
        await close_account(at.house.ports, OWNER.account_id, ADA)
        at.provider.away = True
        await at.sweep()
        assert await at.is_there()
        assert at.provider.subscriptions[bought.id].status == "active"
        at.house.clock.ahead += 2 * 86_400
        assert [one.what for one in await Audit(at.house.ports).violations()] == [
            "A deleted account still pays."
        ]
        at.provider.away = False
        await at.sweep()
        assert at.provider.subscriptions[bought.id].status == "canceled"
        assert not await at.is_there()

    at_the_till(tmp_path, scenario)


def test_one_that_is_refused_holds_up_no_other(tmp_path: Path) -> None:
    async def scenario(at: Till) -> None:
        first = await at.buy("pro_now")
        ben = Principal(account_id="ben")
        page = await Billing(at.house.ports, ben).checkout("pro_now")
        second = at.provider.pay_page(page)
        await at.follow()
        for account_id in (OWNER.account_id, "ben"):
            await close_account(at.house.ports, account_id, ADA)
            at.house.clock.ahead += 1
        at.provider.fail("end_payments", "refused")
        at.house.clock.ahead += WAIT_S
        recovery = Recovery(at.house.ports)
        assert (await recovery.sweep())["payments_ended"] == 1
        assert at.provider.subscriptions[first.id].status == "active"
        assert at.provider.subscriptions[second.id].status == "canceled"
        assert (await recovery.sweep())["payments_ended"] == 1
        assert at.provider.subscriptions[first.id].status == "canceled"

    at_the_till(tmp_path, scenario)


def test_who_began_to_buy_when_the_account_was_closed_is_charged_for_nothing(
    tmp_path: Path,
) -> None:
    async def scenario(at: Till) -> None:
        billing = Billing(at.house.ports, OWNER)
        at.provider.fail("subscribe", "answer lost")
        with suppress(Exception):
            await billing.subscribe("pro_now")
        await close_account(at.house.ports, OWNER.account_id, ADA)
        at.house.clock.ahead += 120
        await Recovery(at.house.ports).sweep()
        assert at.provider.calls.count("subscribe") == 1
        await at.sweep()
        assert {one.status for one in at.provider.subscriptions.values()} == {"canceled"}
        assert not await at.is_there()

    at_the_till(tmp_path, scenario)


def test_where_the_backend_cannot_end_it_the_account_waits_until_somebody_did() -> None:
    async def scenario() -> None:
        async with open_counter() as counter:
            shop, house = counter.shop, counter.house
            sub = shop.subscription(shop.customer(OWNER.account_id))
            await counter.deliver(*shop.events)
            await counter.follow()
            await close_account(house.ports, OWNER.account_id, ADA)
            till = Till(house, FakeProvider())
            await till.sweep()
            assert await till.is_there()
            shop.change(sub, status="canceled")
            await counter.deliver(shop.events[-1])
            await till.sweep()
            assert not await till.is_there()
            assert [one.status for one in shop.of(PaidSubscription)] == ["canceled"]

    asyncio.run(scenario())


def test_events_that_were_followed_are_forgotten_after_thirty_days(tmp_path: Path) -> None:
    async def scenario(at: Till) -> None:
        await at.buy("pro_now")
        waits = PaymentNotice(
            event_id="evt_waits", type="of", created_at=0, kind="purchase", object_id="nobody_knows"
        )
        async with at.house.ports.database.write() as tx:
            await payment_events.add(tx, "elsewhere", waits)
        recovery = Recovery(at.house.ports)
        at.house.clock.ahead += 29 * 86_400
        assert (await recovery.sweep(bucket=True))["payment_events_forgotten"] == 0
        followed = len(at.provider.events)
        at.house.clock.ahead += 2 * 86_400
        assert (await recovery.sweep(bucket=True))["payment_events_forgotten"] == followed
        [left] = await at.rows(tables.payment_events)
        assert left["event_id"] == "evt_waits"

    at_the_till(tmp_path, scenario)
