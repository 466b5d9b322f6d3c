"""An installation whose accounts pay at the shop, step by step, by a clock moved by hand."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests.engine.house import House, open_house

from staging_core.audit import SOUND, Audit
from staging_core.database import accounts, tables
from staging_core.imaging.decoder import Decoder
from staging_core.models import PaidPurchase, PaidSubscription, PaymentNotice
from staging_core.payments.comparison import Comparison
from staging_core.payments.following import Following
from staging_core.payments.reports import Reports
from staging_core.ports import Ports
from staging_core.standings import KeptStandings
from staging_core.testing.fake_stager import FakeStager
from staging_core.testing.servers.databases import migrated_file

from .shop import Shop

PLANS: dict[str, Any] = {
    "free": {"images": 2},
    "pro": {"images": 100, "price_ids": ["price_pro", "price_old"]},
    "business": {"images": 500, "price_ids": ["price_business"]},
}
PACKS: dict[str, Any] = {"ten": {"credits": 10, "price_cents": 1000, "price_ids": ["price_pack"]}}
IDLE_ROUNDS = 40


class Counter:
    """``house``: the installation; ``shop``: its provider."""

    def __init__(self, house: House, shop: Shop) -> None:
        self.house = house
        self.shop = shop

    async def deliver(self, *events: PaymentNotice, ports: Ports | None = None) -> list[str]:
        """Deliver them one after the other; what is answered."""
        reports = Reports(ports or self.house.ports)
        return [await reports.receive(self.shop.callback(event)) for event in events]

    async def follow(self, ports: Ports | None = None) -> None:
        """Look at everything until nothing is due but what waits."""
        following = Following(ports or self.house.ports)
        for _ in range(IDLE_ROUNDS):
            if not await following.follow() and not await self._due():
                return
        raise AssertionError("it never comes to an end")

    async def settle(self) -> None:
        """What sweeps do in two days, without a single event."""
        for _ in range(2):
            self.house.clock.ahead += 86_400.0
            await Comparison(self.house.ports).when_due()
            await self.follow()

    async def _due(self) -> bool:
        async with self.house.ports.database.read() as tx:
            table = tables.payment_objects
            free = sa.or_(table.c.lease_until.is_(None), table.c.lease_until <= tx.now)
            return await tx.row(sa.select(table).where(table.c.due_at <= tx.now, free)) is not None

    async def account(self, *names: str) -> None:
        """These accounts are there."""
        for name in names:
            async with self.house.ports.database.write() as tx:
                await accounts.ensure(tx, name)

    async def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        async with self.house.ports.database.read() as tx:
            return [dict(row) for row in await tx.rows(sa.select(table))]

    async def credits(self, account_id: str = "local") -> int:
        return await self.balance("credits", account_id)

    async def balance(self, name: str, account_id: str = "local") -> int:
        rows = await self.rows(tables.balances)
        its = [row for row in rows if (row["account_id"], row["name"]) == (account_id, name)]
        return int(its[0]["available"]) if its else 0

    async def is_as_at_the_shop(self) -> None:
        """Every subscription and every credit is what the provider's state says."""
        ours = {row["id"]: row for row in await self.rows(tables.subscriptions)}
        theirs = {each.id: each for each in self.shop.of(PaidSubscription)}
        assert ours.keys() == theirs.keys()
        for id, paid in theirs.items():
            for name in ("status", "price_id", "period_start", "period_end", "cancel_at"):
                assert ours[id][name] == getattr(paid, name), (id, name)
        entries = await self.rows(tables.ledger)
        for bought in self.shop.of(PaidPurchase):
            grants = [entry for entry in entries if entry["id"] == f"purchase-{bought.id}"]
            assert len(grants) == bought.paid, bought
        await self.is_sound()

    async def is_sound(self) -> None:
        assert await Audit(self.house.ports).count() == SOUND


@asynccontextmanager
async def open_counter(**choices: Any) -> AsyncIterator[Counter]:
    """A fresh installation with the account ``local``, on SQLite unless a database is named."""
    shop = Shop()
    with tempfile.TemporaryDirectory() as folder:
        migrated_file(Path(folder))
        choices = {"plans": PLANS, "packs": PACKS, **choices}
        async with (
            Decoder() as decoder,
            open_house(
                Path(folder), FakeStager(), decoder=decoder, billing=shop, **choices
            ) as house,
        ):
            settings = house.ports.settings
            shop.standings = KeptStandings(
                house.ports.database, settings.plans, settings.default_plan
            )
            shop.standings.charged_by = shop.source
            shop.clock = house.clock
            counter = Counter(house, shop)
            await counter.account("local")
            yield counter
