"""Free days: once for each account, and without a card they end with nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from staging_core.database import tables
from staging_core.models import Standing

from .till import DAY_S, Till, open_till

ME = "local"
PLANS: dict[str, Any] = {
    "free": {"images": 2},
    "pro": {"images": 100, "price_cents": 2900, "trial_days": 14},
    "business": {"images": 500, "price_cents": 9900, "trial_days": 14},
}


def at_the_till(scenario: Callable[[Till], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_till(plans=PLANS) as at:
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
