"""Free days are had once: what a trial begins with, and what comes after it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from staging_core.database import accounts, ledger, periods, tables
from staging_core.errors import UsageLimitExceeded
from staging_core.models import PaidSubscription

from .counter import open_counter
from .shop import PERIOD_S
from .test_periods_that_are_paid import ME, at_the_till, both, have_card, statuses, told, use
from .till import DAY_S, Till


def test_a_trial_that_ends_without_a_card_leaves_nothing_and_there_is_no_second_one() -> None:
    async def scenario(at: Till) -> None:
        await at.billing(ME).subscribe(at.price["pro"])
        assert (await told(at)).plan_code == "pro"
        await at.pass_time(14 * DAY_S + 7200)
        assert (await told(at)).plan_code == "free"
        assert await statuses(at) == ["canceled"]
        bills = await at.objects("invoice")
        assert [bill["amount_due"] for bill in bills] == [0]
        for code in ("pro", "business"):  # by a form, then on a page
            begun = await at.billing(ME).subscribe(at.price[code])
            [one] = [
                each
                for each in await at.objects("subscription")
                if each["id"] == begun.subscription_id
            ]
            assert (one["status"], one["trial_end"]) == ("incomplete", None)
        assert (await told(at)).plan_code == "free"
        page = await at.billing(ME).checkout(at.price["business"])
        await asyncio.to_thread(at.stripe.pay, page.rpartition("/")[2])
        assert (await told(at)).plan_code == "business"
        assert [int(one["amount"]) for one in at.stripe.truth("paid")][-1] == 9900

    at_the_till(scenario)


def test_a_trial_on_a_page_is_paid_when_it_is_over() -> None:
    async def scenario(at: Till) -> None:
        page = await at.billing(ME).checkout(at.price["pro"])
        again = await at.billing(ME).checkout(at.price["pro"])
        assert page == again
        await asyncio.to_thread(at.stripe.pay, page.rpartition("/")[2])
        assert (await told(at)).plan_code == "pro"
        assert await statuses(at) == ["trialing"]
        await at.pass_time(14 * DAY_S + 7200)
        assert (await told(at)).plan_code == "pro"
        assert await statuses(at) == ["active"]
        assert [int(one["amount"]) for one in at.stripe.truth("paid")] == [0, 2900]

    at_the_till(scenario)


async def the_trial_ends(at: Till) -> None:
    """It is paid, and then the larger plan's images are there."""
    await at.pass_time(14 * DAY_S)
    await told(at)
    await at.pass_time(7200)
    now = await told(at)
    assert (now.plan_code, now.allowance) == ("business", 500)


@both
def test_a_larger_plan_in_the_trial_gives_its_images_when_the_trial_is_paid(
    database: dict[str, Any],
) -> None:
    async def scenario(at: Till) -> None:
        page = await at.billing(ME).checkout(at.price["pro"])
        await asyncio.to_thread(at.stripe.pay, page.rpartition("/")[2])
        assert (await told(at)).allowance == 100
        await at.billing(ME).switch(at.price["business"])
        for _ in range(2):
            now = await told(at)
            assert (now.plan_code, now.allowance) == ("business", 100)
            with pytest.raises(UsageLimitExceeded):
                await use(at, 101)
            await at.pass_time(60)
        await the_trial_ends(at)

    at_the_till(scenario, **database)


@both
def test_a_larger_plan_chosen_before_anybody_looked_gives_what_the_trial_began_with(
    database: dict[str, Any],
) -> None:
    async def scenario(at: Till) -> None:
        await at.billing(ME).subscribe(at.price["pro"])
        await at.billing(ME).switch(at.price["business"])
        for _ in range(2):
            now = await told(at)
            assert (now.plan_code, now.allowance) == ("business", 100)
            with pytest.raises(UsageLimitExceeded):
                await use(at, 101)
            await at.pass_time(60)
        [one] = await at.objects("subscription")
        await have_card(at, one, "pm_card_visa")
        await the_trial_ends(at)

    at_the_till(scenario, **database)


def test_a_trial_that_is_ended_on_its_first_day_does_not_use_up_what_is_paid() -> None:
    async def scenario(at: Till) -> None:
        page = await at.billing(ME).checkout(at.price["pro"])
        await asyncio.to_thread(at.stripe.pay, page.rpartition("/")[2])
        await told(at)
        await use(at, 100)
        await at.pass_time(60)
        [one] = await at.objects("subscription")
        await at.v1.subscriptions.update_async(one["id"], {"trial_end": "now"})
        await at.pass_time(7200)
        now = await told(at)
        assert (now.allowance, now.awaits_payment) == (100, False)
        assert now.period.end - now.period.start > 27 * DAY_S
        until = {row["name"]: row["expires_at"] for row in await at.rows(tables.balances)}
        assert until[f"allowance/{now.period.name}"] > now.period.end

    at_the_till(scenario)


def test_a_trial_that_becomes_longer_keeps_what_is_left_of_it_to_its_new_end() -> None:
    """As where free days are added in the dashboard: its start, and so its name, stay."""

    async def scenario() -> None:
        beyond = {"images": 1, "overage_images": 5, "price_ids": ["price_pro"]}
        async with open_counter(plans={"free": {"images": 0}, "pro": beyond}) as at:
            trial = at.shop.subscription(at.shop.customer(ME), status="trialing")
            await at.deliver(*at.shop.events)
            await at.follow()
            await at.house.submit(variants=2)  # one of the plan, one beyond it
            end = at.shop.of(PaidSubscription)[0].period_end + 14 * DAY_S
            at.shop.change(trial, period_end=end, trial_end=end)
            await at.deliver(at.shop.events[-1])
            await at.follow()
            at.house.clock.ahead += PERIOD_S + 2 * DAY_S
            async with at.house.ports.database.write(ME) as tx:
                await accounts.hold(tx, ME)
                assert await ledger.expire(tx, ME) == 0
            assert (await at.shop.standing(ME)).overage == 4
            ends = [row["expires_at"] for row in await at.rows(tables.balances)]
            assert ends == [end + periods.KEPT_S] * 2

    asyncio.run(scenario())
