"""Whenever a purchase is interrupted, a sweep and a repeat come to what would have been anyway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Staging
from staging_core.acting.billing import Billing
from staging_core.database.engine import Database
from staging_core.database.tables import customers, payment_objects, purchases
from staging_core.errors import PaymentsUnavailable
from staging_core.payments.unfinished import Unfinished
from staging_core.testing import FakeProvider

from .conftest import AMOUNTS, Shop

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
pytestmark = pytest.mark.parametrize("way", ["in the process"], indirect=True)


class Crash(BaseException):
    """The process is gone."""


class Cut:
    """Counts commits and calls of the provider; dies before or after the one that it is set to."""

    def __init__(self, at: int) -> None:
        self.at, self.passed = at, 0

    def point(self) -> None:
        self.passed += 1
        if self.passed >= self.at:
            raise Crash


class CutDatabase:
    """Dies before a commit, or right after it."""

    def __init__(self, behind: Database, cut: Cut) -> None:
        self._behind, self._cut = behind, cut

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    @asynccontextmanager
    async def write(self, account_id: str | None = None) -> AsyncIterator[Any]:
        async with self._behind.write(account_id) as tx:
            yield tx
            self._cut.point()
        self._cut.point()

    async def transact(self, account_id: str | None, deed: Callable[..., Awaitable[Any]]) -> Any:
        async with self.write(account_id) as tx:
            return await deed(tx)


class CutBilling:
    """Dies before a call, or when it had its effect."""

    def __init__(self, behind: Any, cut: Cut) -> None:
        self.source = behind.source
        for name in dir(behind):
            method = getattr(behind, name)
            if name[0] != "_" and asyncio.iscoroutinefunction(method):
                setattr(self, name, _cut_call(method, cut))
        self.all_of, self.missed = behind.all_of, behind.missed


def _cut_call(method: Callable[..., Awaitable[Any]], cut: Cut) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        cut.point()
        answer = await method(*args, **kwargs)
        cut.point()
        return answer

    return call


async def do(billing: Billing, deed: str) -> None:
    if deed == "checkout":
        await billing.checkout("pro_now")
    elif deed == "subscribe":
        await billing.subscribe("pro_now")
    else:
        await billing.switch("business_now")


async def interrupted(staging: Staging, deed: str, at: int) -> bool:
    """Whether the process died on the way."""
    cut = Cut(at)
    ports = replace(
        staging.ports,
        database=CutDatabase(staging.ports.database, cut),  # type: ignore[arg-type]
        billing=CutBilling(staging.ports.billing, cut),  # type: ignore[arg-type]
    )
    try:
        await do(Billing(ports, OWNER), deed)
    except Crash:
        return True
    return False


async def seen(staging: Staging, provider: FakeProvider) -> dict[str, Any]:
    """What is there, by what it is and not by its ids."""
    async with staging.ports.database.read() as tx:
        own = [row["customer_id"] for row in await tx.rows(sa.select(customers))]
        begun = await tx.rows(sa.select(purchases).order_by(purchases.c.created_at))
        due = await tx.rows(sa.select(payment_objects.c.object_id))
    return {
        "own": own == list(provider.customers),
        "customers": len(provider.customers),
        "pages": len(provider.pages),
        "purchases": [(row["deed"], row["state"]) for row in begun],
        "subscriptions": [
            (one.price_id, one.status, bool(one.client_secret))
            for one in provider.subscriptions.values()
        ],
        "due": {row["object_id"] for row in due} >= {*own, *provider.subscriptions},
    }


async def begun_with(staging: Staging, provider: FakeProvider, deed: str) -> None:
    if deed == "switch":
        begun = await staging.acting_as(OWNER).billing.subscribe("pro_now")
        provider.pay(begun.subscription_id)


@pytest.mark.parametrize("deed", ["checkout", "subscribe", "switch"])
@both
def test_a_purchase_that_is_cut_anywhere_comes_to_the_same_by_a_sweep_and_a_repeat(
    shop: Shop, provider: FakeProvider, deed: str
) -> None:
    async def scenario() -> None:
        async with shop() as staging:

            async def clean() -> None:
                async with staging.ports.database.write() as tx:
                    for table in (customers, purchases, payment_objects):
                        await tx.execute(sa.delete(table))
                provider.__init__(AMOUNTS)  # type: ignore[misc]
                await begun_with(staging, provider, deed)

            await clean()
            await do(staging.acting_as(OWNER).billing, deed)
            usual, at = await seen(staging, provider), 1
            while True:
                await clean()
                cut = await interrupted(staging, deed, at)
                sweep = Unfinished(staging.ports, grace_s=0.0)
                await sweep.settle()
                async with staging.ports.database.read() as tx:
                    left = await tx.rows(sa.select(purchases).where(purchases.c.state == "begun"))
                assert left == [], at
                assert await sweep.settle() == 0
                if cut:
                    await do(staging.acting_as(OWNER).billing, deed)
                now = await seen(staging, provider)
                if deed == "switch":
                    now["purchases"] = sorted(set(now["purchases"]))
                    usual["purchases"] = sorted(set(usual["purchases"]))
                assert now == usual, at
                if not cut:
                    break
                at += 1
            assert at > 8

    asyncio.run(scenario())


@both
def test_a_sweep_looks_before_it_asks_and_after_a_day_only_looks(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            me = staging.acting_as(OWNER)
            provider.fail("make_customer", "answer lost")
            with pytest.raises(PaymentsUnavailable):
                await me.billing.subscribe("pro_now")
            await _older(staging, customers, 86_400)
            provider.forget_keys()
            provider.calls.clear()
            await Unfinished(staging.ports).settle()
            assert provider.calls == ["find_customer"]
            assert len(provider.customers) == 1
            provider.fail("subscribe", "answer lost")
            with pytest.raises(PaymentsUnavailable):
                await me.billing.subscribe("pro_now")
            provider.fail("checkout", "away")
            with pytest.raises(PaymentsUnavailable):
                await me.billing.checkout("ten_now")
            await _older(staging, purchases, 86_400)
            provider.forget_keys()
            provider.calls.clear()
            assert await Unfinished(staging.ports).settle() == 2
            assert provider.calls == ["begun"]
            async with staging.ports.database.read() as tx:
                rows = await tx.rows(sa.select(purchases).order_by(purchases.c.deed))
            assert [(row["deed"], row["state"]) for row in rows] == [
                ("checkout", "over"),
                ("subscribe", "open"),
            ]
            assert len(provider.subscriptions) == 1

    asyncio.run(scenario())


@both
def test_while_the_provider_is_away_a_sweep_rests(shop: Shop, provider: FakeProvider) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            provider.calls.clear()  # what is sold was looked at
            provider.fail("make_customer", "away")
            with pytest.raises(PaymentsUnavailable):
                await staging.acting_as(OWNER).billing.portal()
            sweep = Unfinished(staging.ports, grace_s=0.0)
            provider.fail("find_customer", "away")
            assert [await sweep.settle() for _ in range(3)] == [0, 0, 0]
            assert provider.calls == ["make_customer", "find_customer"]
            assert await Unfinished(staging.ports, grace_s=0.0).settle() == 1
            assert len(provider.customers) == 1

    asyncio.run(scenario())


async def _older(staging: Staging, table: sa.Table, seconds: float) -> None:
    times = [name for name in ("created_at", "updated_at") if name in table.c]
    async with staging.ports.database.write() as tx:
        await tx.execute(sa.update(table).values({name: table.c[name] - seconds for name in times}))
