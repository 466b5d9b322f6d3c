"""A period is had when it is paid; each period by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import reservation
from staging_core.database import accounts, ledger, tables
from staging_core.errors import PaymentRefused, UsageLimitExceeded
from staging_core.models import Order, Standing
from staging_core.payments.following import Following
from staging_core.testing.stripe import Settings as Double

from .till import DAY_S, Till, open_till

ME = "local"
PLANS: dict[str, Any] = {
    "free": {"images": 2},
    "pro": {"images": 100, "price_cents": 2900},
    "business": {"images": 500, "price_cents": 9900},
}


both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def at_the_till(
    scenario: Callable[[Till], Awaitable[None]], trial_days: int = 14, **database: Any
) -> None:
    plans = {code: {**plan, "trial_days": trial_days} for code, plan in PLANS.items()}

    async def run() -> None:
        async with open_till(plans=plans, **database) as at:
            await scenario(at)

    asyncio.run(run())


async def told(at: Till) -> Standing:
    """Where the account stands when all that happened at Stripe is known."""
    await at.send_new()
    await at.follow()
    standing: Standing = await at.house.ports.billing.standing(ME)  # type: ignore[attr-defined]
    return standing


async def statuses(at: Till) -> list[str]:
    return [row["status"] for row in await at.rows(tables.subscriptions)]


# --- the bill of a new period ---------------------------------------------------------------------


async def subscribed(at: Till, code: str, card: str = "pm_card_visa") -> str:
    """The id of a subscription that was paid; later bills go to this card."""
    page = await at.billing(ME).checkout(at.price[code])
    await asyncio.to_thread(at.stripe.pay, page.rpartition("/")[2])
    one = (await at.objects("subscription"))[-1]
    await have_card(at, one, card)
    await told(at)
    return str(one["id"])


async def have_card(at: Till, one: dict[str, Any], card: str) -> str:
    owner = {"customer": one["customer"]}
    made = await at.v1.payment_methods.attach_async(card, owner)
    await at.v1.subscriptions.update_async(one["id"], {"default_payment_method": made.id})
    return str(made.id)


async def use(at: Till, images: int) -> None:
    """Hold so many images, as an order does."""
    order = Order(account_id=ME, images=images, model="fake", model_cost_usd=0.0)
    quote = await at.house.ports.billing.quote(order)
    async with at.house.ports.database.write(ME) as tx:
        await accounts.hold(tx, ME)
        await reservation.hold(tx, at.house.ports, ME, quote, images)


async def to_the_next_period(at: Till) -> None:
    """Just over the end of the present one, whose rest sweeps take."""
    await at.pass_period(60)
    async with at.house.ports.database.write(ME) as tx:
        await accounts.hold(tx, ME)
        await ledger.expire(tx, ME)


def test_a_new_period_is_there_when_its_bill_is_paid_and_until_then_the_rest_of_the_last() -> None:
    async def scenario(at: Till) -> None:
        await subscribed(at, "pro")
        await use(at, 70)
        await to_the_next_period(at)
        now = await told(at)  # the bill is a draft for an hour
        assert (now.plan_code, now.allowance, now.awaits_payment) == ("pro", 30, True)
        await use(at, 10)
        await at.pass_time(3700)
        now = await told(at)
        assert (now.allowance, now.used, now.awaits_payment) == (100, 0, False)

    at_the_till(scenario, trial_days=0)


async def as_it_is_known(at: Till) -> Standing:
    """Where the account stands while nobody tells of anything."""
    standing: Standing = await at.house.ports.billing.standing(ME)  # type: ignore[attr-defined]
    return standing


@both
def test_until_it_is_told_that_a_plan_went_on_the_rest_of_its_last_period_stays(
    database: dict[str, Any],
) -> None:
    async def scenario(at: Till) -> None:
        await subscribed(at, "pro")
        await use(at, 70)
        await to_the_next_period(at)
        now = await as_it_is_known(at)
        assert (now.plan_code, now.allowance, now.awaits_payment) == ("pro", 30, True)
        await use(at, 10)
        with pytest.raises(UsageLimitExceeded):
            await use(at, 21)
        now = await told(at)
        assert (now.plan_code, now.allowance) == ("pro", 20)
        await at.pass_time(3700)
        assert (await told(at)).allowance == 100

    at_the_till(scenario, trial_days=0, **database)


def test_nobody_keeps_a_plan_for_more_than_a_day_of_which_nothing_is_told() -> None:
    async def scenario(at: Till) -> None:
        await subscribed(at, "pro")
        await to_the_next_period(at)
        await at.pass_time(DAY_S)
        assert (await as_it_is_known(at)).plan_code == "free"

    at_the_till(scenario, trial_days=0)


def test_a_plan_that_was_to_end_ends_in_time_though_nobody_tells() -> None:
    async def scenario(at: Till) -> None:
        await subscribed(at, "pro")
        await at.billing(ME).cancel()
        await told(at)
        await to_the_next_period(at)
        assert (await as_it_is_known(at)).plan_code == "free"

    at_the_till(scenario, trial_days=0)


@both
def test_a_renewal_that_is_not_paid_gives_nothing_until_it_is(database: dict[str, Any]) -> None:
    async def scenario(at: Till) -> None:
        await subscribed(at, "pro", "pm_card_chargeCustomerFail")
        await use(at, 70)
        await to_the_next_period(at)
        await told(at)
        await at.pass_time(2 * DAY_S)
        now = await told(at)
        assert await statuses(at) == ["past_due"]
        assert (now.plan_code, now.allowance, now.awaits_payment) == ("pro", 30, True)
        with pytest.raises(UsageLimitExceeded):
            await use(at, 31)
        await use(at, 30)
        [owed] = [bill for bill in await at.objects("invoice") if bill["status"] == "open"]
        [one] = await at.objects("subscription")
        card = await have_card(at, one, "pm_card_visa")
        await at.v1.invoices.pay_async(owed["id"], {"payment_method": card})
        now = await told(at)
        assert (now.allowance, now.awaits_payment) == (100, False)
        await told(at)
        assert await at.balance(f"allowance/{now.period.name}") == 100

    at_the_till(scenario, trial_days=0, **database)


def test_a_renewal_that_is_never_paid_ends_the_plan_and_has_given_nothing() -> None:
    async def scenario(at: Till) -> None:
        await subscribed(at, "business", "pm_card_chargeCustomerFail")
        await to_the_next_period(at)
        for _ in range(8):
            standing = await told(at)
            await at.pass_time(4 * DAY_S)
        assert standing.plan_code == "free"
        assert await statuses(at) == ["canceled"]
        granted = [row["granted"] for row in await at.rows(tables.balances)]
        assert granted == [500]

    at_the_till(scenario, trial_days=0)


@both
def test_a_renewal_that_is_written_off_gives_nothing_though_the_plan_goes_on(
    database: dict[str, Any],
) -> None:
    """Stripe can be set to write bills off that fail: then the subscription is active again."""

    async def scenario(at: Till) -> None:
        await subscribed(at, "pro", "pm_card_chargeCustomerFail")
        await use(at, 70)
        await to_the_next_period(at)
        for _ in range(4):
            await told(at)
            await at.pass_time(5 * DAY_S)
        now = await told(at)
        assert await statuses(at) == ["active"]
        assert (now.plan_code, now.allowance, now.awaits_payment) == ("pro", 30, True)
        [owed] = [bill for bill in await at.objects("invoice") if bill["status"] != "paid"]
        assert owed["status"] == "uncollectible"
        with pytest.raises(PaymentRefused, match="not paid"):
            await at.billing(ME).switch(at.price["business"])
        [one] = await at.objects("subscription")
        card = await have_card(at, one, "pm_card_visa")
        await at.v1.invoices.pay_async(owed["id"], {"payment_method": card})
        now = await told(at)
        assert (now.allowance, now.awaits_payment) == (100, False)

    written_off = Double(after_retries="uncollectible")
    at_the_till(scenario, trial_days=0, stripe=written_off, **database)


def test_a_renewal_that_an_operator_forgives_is_given() -> None:
    async def scenario(at: Till) -> None:
        await subscribed(at, "pro", "pm_card_chargeCustomerFail")
        await use(at, 70)
        await to_the_next_period(at)
        await at.pass_time(2 * DAY_S)
        assert (await told(at)).allowance == 30
        [owed] = [bill for bill in await at.objects("invoice") if bill["status"] == "open"]
        await at.v1.invoices.mark_uncollectible_async(owed["id"])
        now = await told(at)
        assert (now.allowance, now.awaits_payment) == (100, False)

    at_the_till(scenario, trial_days=0)


def test_a_payment_that_nobody_told_of_is_found_within_the_hour() -> None:
    async def scenario(at: Till) -> None:
        await subscribed(at, "pro")
        await to_the_next_period(at)
        assert (await told(at)).awaits_payment
        await at.pass_time(3700)
        assert await Following(at.house.ports).renewed() == 1
        await at.follow()
        standing = await at.house.ports.billing.standing(ME)  # type: ignore[attr-defined]
        assert (standing.allowance, standing.awaits_payment) == (100, False)
        assert await Following(at.house.ports).renewed() == 0

    at_the_till(scenario, trial_days=0)


# --- two periods that begin on one day ------------------------------------------------------------


@both
def test_a_plan_that_is_bought_again_on_the_same_day_is_given_again(
    database: dict[str, Any],
) -> None:
    async def scenario(at: Till) -> None:
        for number in range(2):
            one = await subscribed(at, "pro")
            await use(at, 90)
            now = await told(at)
            assert (now.allowance, now.used) == (10, 0), number
            await at.pass_time(60)
            await at.v1.subscriptions.cancel_async(one)
            assert (await told(at)).plan_code == "free"
        rows = await at.rows(tables.balances)
        names = [row["name"] for row in rows if row["name"].startswith("allowance/")]
        assert len(names) == len(set(names)) == 2
        assert len({row["expires_at"] for row in rows}) == 2

    at_the_till(scenario, trial_days=0, **database)


def test_a_period_that_has_a_name_already_keeps_it() -> None:
    """As its balance was made by an earlier version, which called each by its first day."""

    async def scenario(at: Till) -> None:
        await subscribed(at, "pro")
        await use(at, 40)
        for _ in range(2):
            async with at.house.ports.database.write() as tx:
                empty = {"given_start": None, "apart_start": None}
                await tx.execute(sa.update(tables.subscriptions).values(**empty))
            await at.v1.subscriptions.update_async(
                (await at.objects("subscription"))[0]["id"], {"description": "Looked at again."}
            )
            assert (await told(at)).allowance == 60
        assert len(await at.rows(tables.balances)) == 1

    at_the_till(scenario, trial_days=0)
