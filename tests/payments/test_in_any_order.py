"""Whatever arrives, in whatever order, how often and how late: the end is as the provider has it.

``STAGING_TEST_PAYMENT_RUNS``: how many random runs; a few by default.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from staging_core.database import customers, tables
from staging_core.models import PaidCustomer, PaidPurchase, PaidSubscription
from staging_core.payments.following import Following

from .counter import Counter, open_counter
from .shop import PERIOD_S, Shop

RUNS = int(os.environ.get("STAGING_TEST_PAYMENT_RUNS", "25"))
DEEDS = (
    "subscribe",
    "pay",
    "upgrade",
    "downgrade",
    "fall behind",
    "renew",
    "end with the period",
    "cancel",
    "buy",
    "begin to buy",
    "pay for the pack",
    "refund a part",
    "refund all",
    "dispute",
    "win the dispute",
    "delete the customer",
)
ACCOUNTS = ("ada", "ben")
MADE_HERE = "ben"
"""Whose customer this installation made; the other's is only known by what the provider says."""


def act(shop: Shop, deed: str, account: str, which: int) -> None:
    """One deed of an account, its bank or the provider, where it makes sense."""
    customer = f"cus_{account}"
    if customer not in shop.things:
        shop.customer(account, customer)
    gone = getattr(shop.things[customer], "deleted", False)
    subs = [each for each in shop.of(PaidSubscription) if each.customer_id == customer]
    packs = [each for each in shop.of(PaidPurchase) if each.customer_id == customer]
    sub = subs[which % len(subs)] if subs else None
    pack = packs[which % len(packs)] if packs else None
    if deed == "delete the customer" and account == MADE_HERE and not gone:
        shop.delete_customer(customer)
    elif deed == "subscribe" and not gone and all(each.status == "canceled" for each in subs):
        shop.subscription(customer, status="incomplete")
    elif deed in ("buy", "begin to buy") and not gone:
        shop.purchase(customer, paid=deed == "buy")
    elif sub is not None and (values := _of_subscription(deed, sub)) is not None:
        shop.change(sub.id, **values)
    elif pack is not None and (values := _of_pack(deed, pack, which)) is not None:
        shop.change(pack.id, **values)


def _of_subscription(deed: str, sub: PaidSubscription) -> dict[str, Any] | None:
    begins: dict[str, dict[str, Any]] = {
        "pay": {"status": "active"},
        "upgrade": {"price_id": "price_business"},
        "downgrade": {"price_id": "price_old"},
        "fall behind": {"status": "past_due"},
        "renew": {"period_start": sub.period_end, "period_end": sub.period_end + PERIOD_S},
        "end with the period": {"cancel_at": sub.period_end},
        "cancel": {"status": "canceled", "canceled_at": sub.period_end},
    }
    return begins.get(deed)


def _of_pack(deed: str, pack: PaidPurchase, which: int) -> dict[str, Any] | None:
    if deed == "pay for the pack":
        return {"paid": True}
    if not pack.paid:
        return None
    refunded = max(pack.refunded_cents, which * 97 % 1001)
    values: dict[str, dict[str, Any]] = {
        "refund a part": {"refunded_cents": refunded},
        "refund all": {"refunded_cents": 1000},
        "dispute": {"disputed": True},
        "win the dispute": {"disputed": False},
    }
    return values.get(deed)


async def run(data: st.DataObject, chosen: dict[str, Any]) -> None:
    async with open_counter(**chosen) as at:
        await at.account(*ACCOUNTS)
        at.shop.customer(MADE_HERE, f"cus_{MADE_HERE}")
        async with at.house.ports.database.write() as tx:
            made = PaidCustomer(id=f"cus_{MADE_HERE}", account_id=MADE_HERE)
            await customers.link(tx, "shop", MADE_HERE, made)
        waiting: list[Any] = []
        told = 0
        steps = data.draw(
            st.lists(
                st.tuples(st.sampled_from(DEEDS), st.sampled_from(ACCOUNTS), st.integers(0, 40)),
                min_size=1,
                max_size=14,
            ),
            label="deeds",
        )
        for deed, account, which in steps:
            act(at.shop, deed, account, which)
            new = at.shop.events[told:]
            told = len(at.shop.events)
            waiting += [each for each in new for _ in range(data.draw(st.integers(0, 5)))]
            waiting = data.draw(st.permutations(waiting), label="under way")
            at.shop.away = data.draw(st.integers(0, 2), label="calls that fail")
            arrives = data.draw(st.integers(0, len(waiting)), label="arrive")
            await at.deliver(*waiting[:arrives])
            waiting = waiting[arrives:]
            if data.draw(st.booleans(), label="followed"):
                await asyncio.gather(*(Following(at.house.ports).follow() for _ in range(2)))
                at.house.clock.ahead += 10
        at.shop.away = 0
        await at.deliver(*waiting)
        await at.settle()
        await at.is_as_at_the_shop()
        await _credits_are_what_was_paid(at)


async def _credits_are_what_was_paid(at: Counter) -> None:
    """Nothing is spent here, so what is left is what was not given back."""
    for account in ACCOUNTS:
        bought = [each for each in at.shop.of(PaidPurchase) if each.customer_id == f"cus_{account}"]
        left = sum(
            0 if each.disputed else 10 - 10 * each.refunded_cents // 1000
            for each in bought
            if each.paid
        )
        assert await at.credits(account) == left
    events = await at.rows(tables.payment_events)
    assert len(events) == len({row["event_id"] for row in events})


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_the_end_is_as_the_provider_has_it(
    database: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    fresh = request.getfixturevalue("postgresql").fresh if database else None
    quick = settings(
        max_examples=RUNS if not database else max(4, RUNS // 5),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        # Each example there has a database of its own: finding the smallest would take an hour.
        phases=(Phase.generate,) if database else tuple(Phase),
    )

    @quick
    @given(st.data())
    def runs(data: st.DataObject) -> None:
        if fresh is None:
            asyncio.run(run(data, {}))
        else:
            with fresh() as chosen:
                asyncio.run(run(data, chosen))

    runs()
