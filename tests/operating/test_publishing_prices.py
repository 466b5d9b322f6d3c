"""What the settings sell is listed at the payment provider, and its prices are kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from staging_core import Staging
from staging_core.database.tables import prices
from staging_core.errors import PaymentsUnavailable, ServiceUnavailable
from staging_core.interfaces import ListsPrices, TakesPayments
from staging_core.models import Listing, Order, Quote

from .house import OPERATOR, installed

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
SOLD: dict[str, Any] = {
    "plans": {
        "free": {"images": 2, "overage_images": 5, "overage_cents": 90},
        "pro": {
            "name": "Pro",
            "images": 100,
            "price_cents": 2900,
            "overage_images": 50,
            "overage_cents": 40,
        },
    },
    "packs": {"ten": {"credits": 10, "price_cents": 900, "currency": "eur"}},
    "billing_return_url": "https://studio.example/account",
}


class Shelf(TakesPayments, ListsPrices):
    """A provider that has a catalogue in memory; after ``until`` listings it is away."""

    source = "shelf"

    def __init__(self, until: int = 100) -> None:
        self.listed: list[Listing] = []
        self.until = until

    async def quote(self, order: Order) -> Quote:
        return Quote()

    async def publish(self, listing: Listing) -> str:
        if listing not in self.listed:
            if len(self.listed) == self.until:
                raise PaymentsUnavailable()
            self.listed.append(listing)
        return f"price_{self.listed.index(listing)}"


def shelf(until: int = 100) -> Any:
    """It has no accounts that pay, so nothing else is called."""
    return cast("Any", Shelf)(until)


async def kept(staging: Staging) -> set[tuple[Any, ...]]:
    """The prices that are kept."""
    columns = prices.c
    which = (columns.price_id, columns.kind, columns.code, columns.overage, columns.amount_cents)
    async with staging.ports.database.read() as tx:
        return {tuple(row.values()) for row in await tx.rows(sa.select(*which))}


@both
def test_all_that_costs_something_is_listed_once_and_kept(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        backend = shelf()
        async with installed(tmp_path, "fake:", billing=backend, **SOLD, **database) as staging:
            operating = staging.operating_as(OPERATOR)
            first = await operating.billing.publish_prices()
            assert await operating.billing.publish_prices() == first
            assert [one.listing for one in first] == backend.listed
            assert await kept(staging) == {
                ("price_0", "plan", "pro", False, 2900),
                ("price_1", "plan", "pro", True, 40),
                ("price_2", "pack", "ten", False, 900),
            }
            told = await operating.audit_log.page(action="billing.price_published")
            assert [entry.target for entry in told] == ["price_2", "price_1", "price_0"]
            assert told[0].after == {
                "kind": "pack",
                "code": "ten",
                "overage": False,
                "amount_cents": 900,
                "currency": "eur",
            }

    asyncio.run(scenario())


def test_what_was_listed_before_the_provider_went_away_is_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = shelf(until=1)
        async with installed(tmp_path, "fake:", billing=backend, **SOLD) as staging:
            billing = staging.operating_as(OPERATOR).billing
            with pytest.raises(PaymentsUnavailable):
                await billing.publish_prices()
            assert len(await kept(staging)) == 1
            backend.until = 100
            assert len(await billing.publish_prices()) == 3
            assert len(await kept(staging)) == 3

    asyncio.run(scenario())


@pytest.mark.parametrize("billing", ["free:", "plans:"])
def test_where_nothing_is_sold_it_says_so(tmp_path: Path, billing: str) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, "fake:", billing=billing) as staging:
            with pytest.raises(ServiceUnavailable):
                await staging.operating_as(OPERATOR).billing.publish_prices()

    asyncio.run(scenario())
