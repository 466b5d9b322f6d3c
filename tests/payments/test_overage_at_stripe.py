"""What is had beyond a plan is charged at Stripe; whom nobody would charge has nothing beyond."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from staging_core.database import accounts, subscriptions, tables
from staging_core.errors import UsageLimitExceeded
from staging_core.models import Order, Payable, Standing, quote_of
from staging_core.payments.customers import customer_of
from staging_core.payments.taking import taking
from staging_core.reservation import Stale, hold

from .till import DAY_S, Till, open_till

LOCAL = "local"
OVERAGE: dict[str, Any] = {"overage_images": 10, "overage_cents": 50}
PRO: dict[str, Any] = {"images": 1, "price_cents": 2900}
BUSINESS: dict[str, Any] = {"images": 2, "price_cents": 9900}
PLANS: dict[str, Any] = {"free": {"images": 0}, "pro": PRO | OVERAGE, "business": BUSINESS}
both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def subscribed(at: Till, code: str = "pro") -> str:
    """The account pays for the plan with a card that stays; its subscription."""
    begun: Payable = await at.billing(LOCAL).subscribe(at.price[code])
    assert begun.client_secret
    intent = begun.client_secret.partition("_secret_")[0]
    confirm = at.v1.setup_intents if intent.startswith("seti_") else at.v1.payment_intents
    await confirm.confirm_async(intent, {"payment_method": "pm_card_visa"})
    await at.follow()
    return begun.subscription_id


async def customer(at: Till) -> str:
    """Who pays, with a card of its own."""
    made = await customer_of(at.house.ports, taking(at.house.ports), LOCAL)
    card = await at.v1.payment_methods.attach_async("pm_card_visa", {"customer": made})
    default = {"default_payment_method": card.id}
    await at.v1.customers.update_async(made, {"invoice_settings": default})
    return made


async def have(at: Till, images: int, first: int = 0) -> None:
    """So many images more."""
    for number in range(first, first + images):
        await at.house.submit(number=number, idempotency_key=f"image-{number}")
    while await at.house.step():
        pass


async def standing(at: Till) -> Standing:
    found: Standing = await at.house.ports.billing.standing(LOCAL)  # type: ignore[attr-defined]
    return found


async def metered(at: Till) -> list[int]:
    """What each metered item of the one subscription costs."""
    [one] = [each for each in await at.objects("subscription") if each["status"] != "canceled"]
    prices = [item["price"] for item in one["items"]["data"]]
    return [each["unit_amount"] for each in prices if each["recurring"]["usage_type"] == "metered"]


async def bills(at: Till) -> list[list[tuple[int, int]]]:
    """Of each bill that is paid the amounts and quantities, without what cost nothing."""
    paid = [one for one in await at.objects("invoice") if one["status"] == "paid"]
    return [
        [(line["amount"], line["quantity"]) for line in one["lines"]["data"] if line["amount"]]
        for one in paid
    ]


async def renewed(at: Till) -> None:
    """The period is over, and its bill has been charged."""
    await at.pass_time(600)
    await at.sweep()
    await at.pass_time(32 * DAY_S)
    await at.sweep()


@both
def test_an_image_beyond_the_plan_is_told_billed_and_paid(database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with open_till(plans=PLANS, **database) as at:
            await subscribed(at)
            assert (await standing(at)).overage == 10
            await have(at, 3)
            await renewed(at)
            assert [one["value"] for one in at.stripe.truth("meter_event")] == ["2"]
            assert await bills(at) == [[(2900, 1)], [(2 * 50, 2), (2900, 1)]]
            assert sum(one["amount"] for one in at.stripe.truth("charge")) == 2 * 2900 + 2 * 50
            assert await at.problems() == set()

    asyncio.run(scenario())


def test_what_is_had_in_the_first_minute_of_a_subscription_is_billed() -> None:
    async def scenario() -> None:
        plans = {**PLANS, "pro": PRO | OVERAGE | {"images": 0}}
        async with open_till(plans=plans) as at:
            await at.pass_time(60 - at.house.clock() % 60 + 30)  # half a minute is over
            await subscribed(at)
            await have(at, 1)
            await renewed(at)
            assert await bills(at) == [[(2900, 1)], [(50, 1), (2900, 1)]]

    asyncio.run(scenario())


def test_nobody_has_more_than_a_plan_that_nobody_pays() -> None:
    async def scenario() -> None:
        async with open_till(plans={**PLANS, "free": {"images": 0} | OVERAGE}) as at:
            await customer(at)
            assert (await standing(at)).overage == 0
            with pytest.raises(UsageLimitExceeded):
                await have(at, 1)
            async with at.house.ports.database.write(LOCAL) as tx:
                await accounts.hold(tx, LOCAL)
                await subscriptions.give(tx, LOCAL, "pro")
            assert ((await standing(at)).plan_code, (await standing(at)).overage) == ("pro", 0)

    asyncio.run(scenario())


def test_a_trial_has_its_plan_and_no_more() -> None:
    async def scenario() -> None:
        async with open_till(plans={**PLANS, "pro": PRO | OVERAGE | {"trial_days": 14}}) as at:
            await subscribed(at)
            now = await standing(at)
            assert (now.plan_code, now.allowance, now.overage) == ("pro", 1, 0)
            await at.pass_time(15 * DAY_S)
            await at.sweep()
            assert (await standing(at)).overage == 10
            await have(at, 2)
            await renewed(at)
            assert (await bills(at))[-1] == [(50, 1), (2900, 1)]

    asyncio.run(scenario())


def test_who_owes_the_last_bill_has_no_more_than_the_plan() -> None:
    async def scenario() -> None:
        async with open_till(plans=PLANS) as at:
            one = await subscribed(at)
            owner = (await at.v1.subscriptions.retrieve_async(one)).customer
            bad = {"customer": owner}
            card = await at.v1.payment_methods.attach_async("pm_card_chargeCustomerFail", bad)
            await at.v1.subscriptions.update_async(one, {"default_payment_method": card.id})
            await at.pass_time(32 * DAY_S)
            await at.sweep()
            [row] = await at.rows(tables.subscriptions)
            assert row["status"] == "past_due"
            now = await standing(at)
            assert (now.plan_code, now.allowance, now.overage) == ("pro", 1, 0)

    asyncio.run(scenario())


@both
def test_a_subscription_that_charges_none_yet_is_put_right_first(database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with open_till(plans=PLANS, **database) as at:
            items = [{"price": at.price["pro"]}]  # as in the dashboard, or before overage was sold
            await at.v1.subscriptions.create_async({"customer": await customer(at), "items": items})
            at.stripe.then("lost_answer", on="POST /v1/subscriptions/*")
            await at.settle()
            assert await metered(at) == [50]
            assert (await standing(at)).overage == 10
            await have(at, 2)
            await renewed(at)
            assert (await bills(at))[-1] == [(50, 1), (2900, 1)]

    asyncio.run(scenario())


def test_a_plan_whose_price_beyond_it_is_not_published_sells_none() -> None:
    async def scenario() -> None:
        async with open_till(plans=PLANS) as at:
            async with at.house.ports.database.write() as tx:
                await tx.execute(sa.delete(tables.prices).where(tables.prices.c.overage))
            await subscribed(at)
            await at.settle()
            assert await metered(at) == []
            assert (await standing(at)).overage == 0
            await at.open_shop()
            await at.settle()
            assert await metered(at) == [50]

    asyncio.run(scenario())


def test_what_somebody_else_meters_is_left_alone() -> None:
    async def scenario() -> None:
        async with open_till(plans=PLANS) as at:
            one = await subscribed(at, "business")
            meter = await at.v1.billing.meters.create_async(
                {
                    "display_name": "Hours",
                    "event_name": "hours",
                    "default_aggregation": {"formula": "sum"},
                }
            )
            product = await at.v1.products.create_async({"name": "Hours"})
            hours = await at.v1.prices.create_async(
                {
                    "currency": "usd",
                    "unit_amount": 7000,
                    "product": product.id,
                    "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
                }
            )
            await at.v1.subscriptions.update_async(one, {"items": [{"price": hours.id}]})
            await at.settle()
            assert await metered(at) == [7000]
            await at.billing(LOCAL).switch(at.price["pro"])
            await at.settle()
            assert await metered(at) == [7000]
            assert (await standing(at)).overage == 0

    asyncio.run(scenario())


def test_a_dearer_plan_without_overage_bills_what_was_had_and_charges_none_any_more() -> None:
    async def scenario() -> None:
        async with open_till(plans=PLANS) as at:
            await subscribed(at)
            await have(at, 3)
            await at.billing(LOCAL).switch(at.price["business"])
            await at.follow()
            assert (await standing(at)).plan_code == "business"
            assert await metered(at) == [50]  # until what was had is told
            for _ in range(3):
                await at.pass_time(1200)
                await at.sweep()
            assert await metered(at) == []
            await renewed(at)
            assert (100, 2) in (await bills(at))[-1]
            assert await at.problems() == set()

    asyncio.run(scenario())


def test_a_dearer_plan_that_is_not_paid_yet_leaves_everything_as_it_was() -> None:
    async def scenario() -> None:
        plans = {**PLANS, "business": BUSINESS | {"overage_images": 20, "overage_cents": 30}}
        async with open_till(plans=plans) as at:
            one = await subscribed(at)
            owner = {"customer": (await at.v1.subscriptions.retrieve_async(one)).customer}
            bad = await at.v1.payment_methods.attach_async("pm_card_chargeCustomerFail", owner)
            await at.billing(LOCAL).choose_payment_method(bad.id)
            waiting = await at.billing(LOCAL).switch(at.price["business"])
            await at.settle_shortly()
            now = await standing(at)
            assert (now.plan_code, now.overage, await metered(at)) == ("pro", 10, [50])
            assert waiting.client_secret
            intent = waiting.client_secret.partition("_secret_")[0]
            card = {"payment_method": "pm_card_visa"}
            await at.v1.payment_intents.confirm_async(intent, card)
            await at.settle_shortly()
            now = await standing(at)
            assert (now.plan_code, now.overage, await metered(at)) == ("business", 20, [30])

    asyncio.run(scenario())


def test_what_is_free_beyond_a_plan_is_billed_by_no_metered_price_that_is_left() -> None:
    async def scenario() -> None:
        plans = {**PLANS, "business": BUSINESS | {"overage_images": 10}}
        async with open_till(plans=plans) as at:
            await subscribed(at)
            await have(at, 3)
            await at.billing(LOCAL).switch(at.price["business"])
            await at.follow()
            assert await metered(at) == [50]  # until what was had is told
            assert (await standing(at)).overage == 10
            await have(at, 4, first=3)
            assert (await standing(at)).overage == 7
            await at.settle_shortly()
            assert await metered(at) == []
            assert (await standing(at)).overage == 7
            await renewed(at)
            assert [each for each in (await bills(at))[-1] if each[0] > 0] == [(100, 2), (9900, 1)]
            assert await at.problems() == set()

    asyncio.run(scenario())


def test_what_was_quoted_at_nothing_is_not_had_where_it_is_charged_by_now() -> None:
    async def scenario() -> None:
        async with open_till(plans=PLANS) as at:
            await subscribed(at)
            await have(at, 1)
            order = Order(account_id=LOCAL, images=1, model="fake")
            priced = quote_of(await standing(at), order)
            async with at.house.ports.database.write(LOCAL) as tx:
                await accounts.hold(tx, LOCAL)
                with pytest.raises(Stale):
                    await hold(tx, at.house.ports, LOCAL, replace(priced, amount_cents=0), 1)
                held = await hold(tx, at.house.ports, LOCAL, priced, 1)
            assert [str(name).partition("/")[0] for name in held.balances] == ["overage"]

    asyncio.run(scenario())
