"""What Stripe says of bills, trials and refunds is told to plugins in our words, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from staging_core.database import tables

from .till import DAY_S, Till, open_till

ADA = "ada"


async def told(at: Till) -> list[str]:
    """The types of all that plugins are to be told of the account, in order."""
    await at.send_new()
    await at.follow()
    rows = [row for row in await at.rows(tables.billing_events) if row["account_id"] == ADA]
    return [row["type"] for row in sorted(rows, key=lambda row: row["position"])]


async def subscribed(at: Till, **more: Any) -> tuple[str, str]:
    """A customer of the account's, and its subscription to Pro."""
    made = await at.v1.customers.create_async({"metadata": {"staging_account": ADA}})
    await with_card(at, made.id, "pm_card_visa")
    items = [{"price": at.price["pro"]}]
    one = await at.v1.subscriptions.create_async({"customer": made.id, "items": items, **more})
    return str(made.id), str(one.id)


async def with_card(at: Till, customer: str, name: str) -> None:
    """Its bills are paid with this card from now on."""
    card = await at.v1.payment_methods.attach_async(name, {"customer": customer})
    default = {"default_payment_method": card.id}
    await at.v1.customers.update_async(customer, {"invoice_settings": default})


async def a_bill_that_fails_and_is_paid(at: Till) -> None:
    customer, _ = await subscribed(at)
    assert await told(at) == ["plan.began", "bill.paid"]
    await with_card(at, customer, "pm_card_chargeCustomerFail")
    await at.pass_period(7200)
    assert (await told(at))[2:] == ["bill.failed"]
    await with_card(at, customer, "pm_card_visa")
    [bill] = [one for one in await at.objects("invoice") if one["status"] == "open"]
    await at.v1.invoices.pay_async(bill["id"])
    assert (await told(at))[3:] == ["bill.paid"]


async def a_trial_that_ends(at: Till) -> None:
    _, one = await subscribed(at, trial_period_days=14)
    assert (await told(at))[:1] == ["plan.began"]
    await at.pass_time(11.5 * DAY_S)
    assert (await told(at)).count("trial.ending") == 1
    await at.v1.subscriptions.cancel_async(one)
    assert (await told(at))[-1] == "plan.ended"


async def money_of_a_plan_that_goes_back(at: Till) -> None:
    await subscribed(at)
    await told(at)
    [charge] = await at.objects("charge")
    await at.v1.refunds.create_async({"charge": charge["id"]})
    assert (await told(at))[2:] == ["bill.refunded"]


async def a_bank_that_takes_the_money_of_a_plan_back(at: Till) -> None:
    """What a dispute says does not name the customer: Stripe is asked whose payment it is."""
    await subscribed(at)
    await told(at)
    [charge] = await at.objects("charge")
    dispute = await asyncio.to_thread(at.stripe.dispute, charge["id"])
    assert (await told(at))[2:] == ["bill.disputed"]
    await asyncio.to_thread(at.stripe.end_dispute, dispute["id"], "won")
    assert (await told(at))[3:] == ["bill.dispute_won"]
    rows = await at.rows(tables.billing_events)
    data = [row["data"] for row in rows if row["type"].startswith("bill.dispute")]
    assert data == [{"subject": dispute["id"], "source": "stripe"}] * 2


async def a_bank_that_only_asks(at: Till) -> None:
    await subscribed(at)
    before = await told(at)
    [charge] = await at.objects("charge")
    await asyncio.to_thread(at.stripe.dispute, charge["id"], case="inquiry")
    assert await told(at) == before


async def a_bank_that_takes_the_money_of_somebody_elses(at: Till) -> None:
    made = await at.v1.customers.create_async({"name": "Somebody"})
    await with_card(at, made.id, "pm_card_visa")
    items = [{"price": at.price["pro"]}]
    await at.v1.subscriptions.create_async({"customer": made.id, "items": items})
    [charge] = await at.objects("charge")
    await asyncio.to_thread(at.stripe.dispute, charge["id"])
    assert await told(at) == []


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize(
    "story",
    [
        a_bill_that_fails_and_is_paid,
        a_trial_that_ends,
        money_of_a_plan_that_goes_back,
        a_bank_that_takes_the_money_of_a_plan_back,
        a_bank_that_only_asks,
        a_bank_that_takes_the_money_of_somebody_elses,
    ],
    ids=lambda story: story.__name__,
)
def test_it_is_told_once(
    database: dict[str, Any], story: Callable[[Till], Awaitable[None]]
) -> None:
    async def scenario() -> None:
        async with open_till(**database) as at:
            await at.account(ADA)
            await story(at)
            before = await told(at)
            await at.send(*[event["id"] for event in await at.objects("event")])
            await at.settle()
            assert await told(at) == before

    asyncio.run(scenario())
