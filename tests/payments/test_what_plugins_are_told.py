"""Plugins are told of plans, bills, trials, refunds and disputes: each once, after the commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from staging_core import OWNER, Staging, hookimpl
from staging_core.acting import Acting
from staging_core.models import BillingEvent, Offer, PaidPurchase, PaidSubscription
from staging_core.testing import FakeProvider, signed

from .conftest import PLANS, Shop

FREE = {"images": 10, "features": ["rooms", "logo"]}
both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
pytestmark = pytest.mark.parametrize("way", ["in the process"], indirect=True)


class Clerk:
    """Keeps what it is shown."""

    def __init__(self) -> None:
        self.seen: list[BillingEvent] = []

    @hookimpl
    def staging_billing_event(self, event: BillingEvent) -> None:
        self.seen.append(event)


class Counter:
    """``me``: who buys; ``clerk``: the plugin that is told."""

    def __init__(self, staging: Staging, provider: FakeProvider, clerk: Clerk) -> None:
        self.staging, self.provider, self.clerk = staging, provider, clerk
        self.me: Acting = staging.acting_as(OWNER)

    async def told(self, *, times: int = 2) -> list[tuple[str, dict[str, Any]]]:
        """What plugins are told when every report has come so often, and all was followed."""
        before = len(self.clerk.seen)
        for notice in self.provider.events * times:
            await self.staging.receive_payment(signed(self.provider, notice))
        await self.staging.sweep()
        await self.staging.sweep()
        seen = self.clerk.seen[before:]
        sources = {event.data.pop("source", None) for event in seen}
        assert sources <= {"stripe", None}  # the ledger knows no provider
        return [(event.type, event.data) for event in seen]

    async def buy(self, price_id: str) -> PaidSubscription | PaidPurchase:
        """On the page."""
        return self.provider.pay_page(await self.me.billing.checkout(price_id))


Open = Callable[..., Any]


@pytest.fixture
def counter(shop: Shop, provider: FakeProvider) -> Open:
    @asynccontextmanager
    async def opened(**settings: Any) -> AsyncIterator[Counter]:
        clerk = Clerk()
        async with shop(plugins=(clerk,), **settings) as staging:
            yield Counter(staging, provider, clerk)

    return opened


def played(counter: Open, scenario: Callable[[Counter], Awaitable[None]], **settings: Any) -> None:
    async def whole() -> None:
        async with counter(**settings) as at:
            await scenario(at)

    asyncio.run(whole())


@both
def test_a_plan_begins_changes_is_to_end_goes_on_and_ends(counter: Open) -> None:
    async def scenario(at: Counter) -> None:
        begun = await at.me.billing.subscribe("pro_now")
        id = begun.subscription_id
        assert await at.told() == []  # nobody has paid
        at.provider.pay(id)
        began, bill = await at.told()
        says = {"plan": "pro", "subscription": id}
        assert began == ("plan.began", {**says, "status": "active", "trial_end": None})
        assert (bill[0], bill[1]["subscription"]) == ("bill.paid", id)
        assert bill[1]["subject"] == at.provider.bills[next(iter(at.provider.customers))][0].id
        await at.me.billing.switch("business_now")
        assert await at.told() == []  # nor this
        at.provider.pay(id)
        says = {"plan": "business", "subscription": id}
        changed, bill = await at.told()
        assert changed == ("plan.changed", {**says, "was": "pro"})
        assert bill[0] == "bill.paid"
        await at.me.billing.cancel()
        ends_at = at.provider.subscriptions[id].period_end
        assert await at.told() == [("plan.ending", {**says, "ends_at": ends_at})]
        await at.me.billing.resume()
        assert await at.told() == [("plan.resumed", says)]
        at.provider.end(id)
        assert await at.told() == [("plan.ended", says)]
        assert await at.told() == []

    played(counter, scenario)


@both
def test_what_a_customer_is_entitled_to_is_told_and_stands_beside_what_its_plan_has(
    counter: Open,
) -> None:
    async def scenario(at: Counter) -> None:
        assert (await at.me.billing.usage()).features == ("rooms", "logo")
        begun = await at.me.billing.subscribe("pro_now")
        customer = at.provider.subscriptions[begun.subscription_id].customer_id
        assert await at.told() == []
        at.provider.entitle(customer, "video", "logo")
        says = {"features": ["logo", "video"], "was": []}
        assert await at.told() == [("features.changed", says)]
        assert (await at.me.billing.usage()).features == ("rooms", "logo", "video")
        at.provider.entitle(customer)
        assert await at.told() == [("features.changed", {"features": [], "was": says["features"]})]
        assert (await at.me.billing.usage()).features == ("rooms", "logo")
        assert await at.told() == []

    played(counter, scenario, plans={**PLANS, "free": FREE})


@both
def test_a_trial_that_ends_and_a_bill_that_cannot_be_paid(counter: Open) -> None:
    async def scenario(at: Counter) -> None:
        begun = await at.me.billing.subscribe("pro_now")
        id = begun.subscription_id
        trial_end = at.provider.subscriptions[id].trial_end
        says = {"plan": "pro", "subscription": id, "status": "trialing", "trial_end": trial_end}
        assert await at.told() == [("plan.began", says)]
        at.provider.warn_of_the_end(id)
        assert await at.told() == [("trial.ending", {"subscription": id, "trial_end": trial_end})]
        at.provider.decline(id)
        [(type, failed)] = await at.told()
        assert (type, failed["subscription"]) == ("bill.failed", id)
        assert failed["subject"]
        at.provider.pay(id)
        assert [type for type, _ in await at.told()] == ["bill.paid"]

    plans = {**PLANS, "pro": {**PLANS["pro"], "trial_days": 14}}
    played(counter, scenario, plans=plans)


@both
def test_money_of_a_pack_that_goes_back_and_what_a_bank_says_of_it(counter: Open) -> None:
    async def scenario(at: Counter) -> None:
        pack = await at.buy("ten_now")
        assert sorted(type for type, _ in await at.told()) == ["bill.paid", "credits.granted"]
        says = {"purchase": pack.id, "amount_cents": 900, "currency": "usd"}
        at.provider.change(pack.id, refunded_cents=90)
        taken, refunded = await at.told()
        assert taken[0] == "credits.refunded"
        assert refunded == ("purchase.refunded", {**says, "refunded_cents": 90})
        at.provider.change(pack.id, disputed=True)
        assert (await at.told())[1] == ("purchase.disputed", says)
        at.provider.change(pack.id, disputed=False)
        assert (await at.told())[1] == ("purchase.dispute_won", says)
        at.provider.change(pack.id, refunded_cents=900)
        assert (await at.told())[1] == ("purchase.refunded", {**says, "refunded_cents": 810})

    played(counter, scenario)


@both
def test_who_pays_for_two_plans_has_the_larger_and_the_operator_is_told(counter: Open) -> None:
    async def scenario(at: Counter) -> None:
        operating = at.staging.operating("ada")
        first = await at.me.billing.subscribe("business_now")
        customer = at.provider.subscriptions[first.subscription_id].customer_id
        pro = Offer(kind="plan", code="pro", price_id="pro_now")
        second = at.provider.new_subscription(customer, pro, "begun at the provider")
        await at.told()
        assert (await operating.billing.compare()).paid_twice == ()
        at.provider.pay(first.subscription_id)
        at.provider.pay(second.id)
        assert [type for type, _ in await at.told()].count("plan.began") == 2
        usage = await at.me.billing.usage()
        assert (usage.plan_code, usage.limit) == ("business", 500)
        assert (await operating.billing.compare()).paid_twice == ("local",)
        entries = await operating.audit_log.page()
        [entry] = [one for one in entries if one.action == "billing.paid_twice"]
        assert entry.after == {"subscriptions": [first.subscription_id, second.id]}
        await at.me.billing.cancel()  # the one that began last
        assert at.provider.subscriptions[second.id].cancel_at is not None
        at.provider.end(second.id)
        await at.told()
        assert (await operating.billing.sync()).paid_twice == ()
        assert (await at.me.billing.usage()).plan_code == "business"

    played(counter, scenario)
