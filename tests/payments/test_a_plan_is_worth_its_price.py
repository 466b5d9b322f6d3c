"""Whatever an account does with its plans, what it was given is what it has paid for.

``STAGING_TEST_PAYMENT_RUNS``: how many random runs; a few by default.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from random import Random

from staging_core import reservation
from staging_core.database import accounts, tables
from staging_core.errors import PaymentRefused, UsageLimitExceeded
from staging_core.models import Order

from .till import DAY_S, Till, open_till

RUNS = int(os.environ.get("STAGING_TEST_PAYMENT_RUNS", "4"))
PRICES = {"small": 900, "pro": 2900, "business": 9900}
IMAGES = {"small": 20, "pro": 100, "business": 500}
PLANS = {code: {"images": IMAGES[code], "price_cents": PRICES[code]} for code in PRICES}
ME = "local"


async def use(at: Till, images: int) -> None:
    """Hold so many images, as an order does; what the account may not have it does not get."""
    order = Order(account_id=ME, images=images, model="fake", model_cost_usd=0.0)
    with suppress(UsageLimitExceeded):
        quote = await at.house.ports.billing.quote(order)
        async with at.house.ports.database.write(ME) as tx:
            await accounts.hold(tx, ME)
            await reservation.hold(tx, at.house.ports, ME, quote, images)


async def told(at: Till) -> None:
    await at.send_new()
    await at.follow()


async def switch(at: Till, chance: Random) -> None:
    with suppress(PaymentRefused):  # such as from a smaller one to one that was not paid for
        await at.billing(ME).switch(at.price[chance.choice(sorted(PRICES))])


async def begin(at: Till, code: str) -> None:
    """The account pays for a plan on Stripe's page."""
    page = await at.billing(ME).checkout(at.price[code])
    await asyncio.to_thread(at.stripe.pay, page.rpartition("/")[2])
    await told(at)


async def is_worth_it(at: Till) -> None:
    """Of each period's allowance, all that was ever given, and of all bills that were paid."""
    given = [
        row["granted"]
        for row in await at.rows(tables.balances)
        if row["name"].startswith("allowance/")
    ]
    worth = sum(min(PRICES[code] for code in PRICES if IMAGES[code] >= each) for each in given)
    paid = sum(int(one["amount"]) for one in at.stripe.truth("paid"))
    assert paid == worth, (given, paid)


async def run(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - to be repeated
    async with open_till(plans={"free": {"images": 0}, **PLANS}) as at:
        await begin(at, chance.choice(sorted(PRICES)))
        for _ in range(chance.randint(6, 14)):
            what = chance.random()
            if what < 0.5:
                await switch(at, chance)
            elif what < 0.7:
                await use(at, chance.choice((1, 19, 90, 400)))
            else:
                await told(at)
                await at.pass_time(chance.choice((0.1, 3, 12, 20)) * DAY_S)
                await told(at)
                await at.pass_time(7200)  # a new period's bill is a draft for an hour
            if chance.random() < 0.5:
                await told(at)
        await told(at)
        await is_worth_it(at)
        assert not {what for what in await at.problems() if "subscription" in what}


def test_what_was_given_is_what_was_paid_for() -> None:
    for seed in range(RUNS):
        try:
            asyncio.run(run(seed))
        except BaseException as error:
            error.add_note(f"run({seed})")
            raise


def test_a_month_of_the_large_plan_is_not_had_for_the_price_of_the_small_one() -> None:
    async def scenario() -> None:
        async with open_till(plans={"free": {"images": 0}, **PLANS}) as at:
            await begin(at, "business")
            await use(at, 500)
            await at.billing(ME).switch(at.price["pro"])
            await told(at)
            for _ in range(2):
                await at.pass_period()
                await told(at)
                await at.pass_time(7200)  # a new period's bill is a draft for an hour
                await told(at)
            paid = [int(one["amount"]) for one in at.stripe.truth("paid")]
            assert paid == [9900, 2900, 2900]
            await at.pass_time(25 * DAY_S)
            await at.billing(ME).switch(at.price["business"])  # five days before the next bill
            await told(at)
            assert int(at.stripe.truth("paid")[-1]["amount"]) == 7000
            await is_worth_it(at)

    asyncio.run(scenario())


def test_a_smaller_plan_chosen_before_anybody_looked_leaves_what_was_paid_for() -> None:
    async def scenario() -> None:
        async with open_till(plans={"free": {"images": 0}, **PLANS}) as at:
            page = await at.billing(ME).checkout(at.price["business"])
            await asyncio.to_thread(at.stripe.pay, page.rpartition("/")[2])
            await at.billing(ME).switch(at.price["small"])
            await told(at)
            standing = await at.house.ports.billing.standing(ME)  # type: ignore[attr-defined]
            assert (standing.plan_code, standing.allowance) == ("small", 500)
            await is_worth_it(at)

    asyncio.run(scenario())
