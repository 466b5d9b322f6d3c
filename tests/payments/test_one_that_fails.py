"""An error that Stripe keeps under a key blocks nobody: neither who asked, nor anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from staging_core.database import tables
from staging_core.errors import PaymentsUnavailable
from staging_core.payments.customers import customer_of
from staging_core.payments.taking import FRESH_S, taking
from staging_core.payments.unfinished import Rests, Unfinished

from .till import Till, open_till

CUSTOMERS, SUBSCRIPTIONS = "POST /v1/customers", "POST /v1/subscriptions"
PAGES, CHANGES = "POST /v1/checkout/sessions", "POST /v1/subscriptions/*"


def at_the_till(scenario: Callable[[Till], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_till() as at:
            await scenario(at)

    asyncio.run(run())


async def customer(at: Till, account: str) -> str:
    return await customer_of(at.house.ports, taking(at.house.ports), account)


async def begun(at: Till) -> list[str]:
    rows = await at.rows(tables.purchases)
    return [row["account_id"] for row in rows if row["state"] == "begun"]


def test_a_customer_is_made_by_a_sweep_under_another_key() -> None:
    async def scenario(at: Till) -> None:
        at.stripe.then("error_kept", on=CUSTOMERS)
        for _ in range(2):
            with pytest.raises(PaymentsUnavailable):
                await customer(at, "local")
        sweep = Unfinished(at.house.ports, grace_s=0.0)
        assert await sweep.settle() == 0
        assert await Unfinished(at.house.ports, grace_s=0.0).settle() == 1
        assert [await customer(at, "local")] == [one["id"] for one in await at.objects("customer")]

    at_the_till(scenario)


def test_who_asks_a_minute_later_is_given_a_customer_the_next_time() -> None:
    async def scenario(at: Till) -> None:
        at.stripe.then("error_kept", on=CUSTOMERS)
        with pytest.raises(PaymentsUnavailable):
            await customer(at, "local")
        await at.pass_time(FRESH_S + 1)
        with pytest.raises(PaymentsUnavailable):
            await customer(at, "local")
        assert await customer(at, "local")
        assert len(await at.objects("customer")) == 1

    at_the_till(scenario)


@pytest.mark.parametrize("deed", ["subscribe", "checkout", "switch"])
def test_a_purchase_is_asked_for_under_another_key(deed: str) -> None:
    async def scenario(at: Till) -> None:
        where = {"subscribe": SUBSCRIPTIONS, "checkout": PAGES, "switch": CHANGES}[deed]
        if deed == "switch":
            await pays_for_pro(at)
        at.stripe.then("error_kept", on=where)
        with pytest.raises(PaymentsUnavailable):
            await getattr(at.billing("local"), deed)(at.price["business"])
        for _ in range(3):
            await Unfinished(at.house.ports, grace_s=0.0).settle()
        assert await begun(at) == []
        if deed != "checkout":
            [one] = await at.objects("subscription")
            assert one["items"]["data"][0]["price"]["id"] == at.price["business"]
        else:
            [page] = await at.objects("checkout.session")
            assert await at.billing("local").checkout(at.price["business"]) == page["url"]

    at_the_till(scenario)


def test_one_that_always_fails_holds_up_no_other() -> None:
    async def scenario(at: Till) -> None:
        await at.account("ada", "ben")
        for account in ("ada", "ben"):
            at.stripe.then("error_kept", on=SUBSCRIPTIONS)
            with pytest.raises(PaymentsUnavailable):
                await at.billing(account).subscribe(at.price["pro"])
        sweep = Unfinished(at.house.ports, grace_s=0.0)
        await sweep.settle()  # both fail by their keys
        sweep = Unfinished(at.house.ports, grace_s=0.0)
        at.stripe.then("error_kept", on=SUBSCRIPTIONS)
        assert await sweep.settle() == 1  # the second, while the first fails once more
        [left] = await begun(at)
        assert await sweep.settle() == 0  # it rests
        await Unfinished(at.house.ports, grace_s=0.0).settle()
        assert await begun(at) == [], left

    at_the_till(scenario)


def test_while_nothing_can_be_looked_for_the_next_one_comes_first() -> None:
    async def scenario(at: Till) -> None:
        await at.account("ada", "ben")
        for account in ("ada", "ben"):
            await customer(at, account)
            at.stripe.then("cut_before", on=SUBSCRIPTIONS)
            with pytest.raises(PaymentsUnavailable):
                await at.billing(account).subscribe(at.price["pro"])
        sweep = Unfinished(at.house.ports, grace_s=0.0)
        at.stripe.then("error_before", on="GET /v1/subscriptions")
        assert await sweep.settle() == 0
        sweep._away = Rests()  # as after a while
        assert await sweep.settle() == 1
        assert await begun(at) == ["ada"]

    at_the_till(scenario)


async def pays_for_pro(at: Till) -> None:
    owner = {"customer": await customer(at, "local")}
    card = await at.v1.payment_methods.attach_async("pm_card_visa", owner)
    page = await at.billing("local").checkout(at.price["pro"])
    await asyncio.to_thread(at.stripe.pay, page.rpartition("/")[2])
    await at.send_new()
    await at.follow()
    await at.billing("local").choose_payment_method(card.id)
