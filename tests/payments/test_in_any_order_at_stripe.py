"""The whole chain at a double of Stripe: whatever arrives, the end is as Stripe has it.

Every event arrives none to five times, shuffled and late, and calls fail on the way.
``STAGING_TEST_PAYMENT_RUNS``: how many random runs; a few by default.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from random import Random
from typing import Any

import pytest
import stripe as vendor

from staging_core.database import tables
from staging_core.database.subscriptions import FINAL, GIVE
from staging_core.errors import StagingError
from staging_core.payments.following import Following

from . import beyond
from .beyond import METERED, SOLD, plan_of, what_is_beyond_is_charged, what_was_had_is_told
from .till import DAY_S, Till, open_till

RUNS = int(os.environ.get("STAGING_TEST_PAYMENT_RUNS", "5"))
BUYER, DASHBOARD = "ada", "ben"
"""One buys through this installation; the other's customer, and all it has, is made at Stripe."""

ACCOUNTS = (BUYER, DASHBOARD, METERED)

FAULTS = ("busy", "error_before", "error_after", "cut_before", "lost_answer")
Deed = Callable[[Till, int], Awaitable[object]]


# --- what an account does through us ---------------------------------------------------------


async def open_page_of_pro(at: Till, which: int) -> None:
    await at.billing(BUYER).checkout(at.price["pro"])


async def open_page_of_a_pack(at: Till, which: int) -> None:
    await at.billing(BUYER).checkout(at.price["ten"])


async def subscribe(at: Till, which: int) -> None:
    await at.billing(BUYER).subscribe(at.price[("pro", "business")[which % 2]])


async def switch(at: Till, which: int) -> None:
    await at.billing(BUYER).switch(at.price[("pro", "business")[which % 2]])


async def cancel(at: Till, which: int) -> None:
    await at.billing(BUYER).cancel()


async def resume(at: Till, which: int) -> None:
    await at.billing(BUYER).resume()


# --- what it, its bank and others do at Stripe ------------------------------------------------


async def pay_a_page(at: Till, which: int) -> None:
    page = await _one(at, "checkout.session", which)
    await asyncio.to_thread(at.stripe.pay, page["id"])


async def pay_a_page_with_a_code(at: Till, which: int) -> None:
    """What a code takes off is a part, all, or an amount; once, or of every bill."""
    if which % 4:
        await open_page_of_a_pack(at, which)
    off = ({"percent_off": 50}, {"percent_off": 100}, {"amount_off": 300, "currency": "usd"})
    duration = ("once", "forever")[which % 2]
    coupon = await at.v1.coupons.create_async({**off[which % 3], "duration": duration})
    promotion = {"type": "coupon", "coupon": coupon.id}
    code = await at.v1.promotion_codes.create_async({"promotion": promotion})
    page = await _one(at, "checkout.session", which, status="open")
    await asyncio.to_thread(at.stripe.pay, page["id"], promotion_code=code.code)


async def pay_a_bill(at: Till, which: int) -> None:
    bill = await _one(at, "invoice", which, status="open")
    owner = {"customer": bill["customer"]}
    card = await at.v1.payment_methods.attach_async("pm_card_visa", owner)
    await at.v1.invoices.pay_async(bill["id"], {"payment_method": card.id})


async def have_another_card(at: Till, which: int) -> None:
    customer = await _one(at, "customer", which)
    name = ("pm_card_visa", "pm_card_chargeCustomerFail")[which % 2]
    card = await at.v1.payment_methods.attach_async(name, {"customer": customer["id"]})
    chosen = {"default_payment_method": card.id}
    await at.v1.customers.update_async(customer["id"], {"invoice_settings": chosen})
    for one in await at.objects("subscription"):
        if one["customer"] == customer["id"] and one["status"] not in FINAL:
            await at.v1.subscriptions.update_async(one["id"], chosen)


async def subscribe_at_stripe(at: Till, which: int) -> None:
    items = [{"price": at.price[("pro", "business")[which % 2]]}]
    owner = await _dashboard_customer(at)
    await at.v1.subscriptions.create_async({"customer": owner, "items": items})


async def buy_at_stripe(at: Till, which: int) -> None:
    owner = await _dashboard_customer(at)
    told = {
        "customer": owner,
        "amount": 1000,
        "currency": "usd",
        "payment_method": await _card(at, owner),
        "confirm": which % 3 > 0,
        "metadata": {"staging_price": at.price["ten"]},
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    }
    await at.v1.payment_intents.create_async(told)


async def end_at_once(at: Till, which: int) -> None:
    await at.v1.subscriptions.cancel_async((await _one(at, "subscription", which))["id"])


async def refund(at: Till, which: int) -> None:
    charge = await _one(at, "charge", which)
    amount = charge["amount"] if which % 2 else 1 + which * 97 % 500
    await at.v1.refunds.create_async({"charge": charge["id"], "amount": amount})


async def dispute(at: Till, which: int) -> None:
    charge = await _one(at, "charge", which)
    await asyncio.to_thread(at.stripe.dispute, charge["id"])


async def decide_a_dispute(at: Till, which: int) -> None:
    one = await _one(at, "dispute", which)
    await asyncio.to_thread(at.stripe.end_dispute, one["id"], ("won", "lost")[which % 2])


async def delete_the_customer(at: Till, which: int) -> None:
    owners = sorted(await at.customers_of(BUYER))
    await at.v1.customers.delete_async(owners[which % len(owners)])


async def sell_to_somebody_else(at: Till, which: int) -> None:
    """Others are paid through the same Stripe: nothing of theirs is ours."""
    made = await at.v1.customers.create_async({"name": "Somebody"})
    card = await at.v1.payment_methods.attach_async("pm_card_visa", {"customer": made.id})
    told = {"customer": made.id, "default_payment_method": card.id}
    items = [{"price": at.price["pro"]}]
    await at.v1.subscriptions.create_async({**told, "items": items})


async def time_passes(at: Till, which: int) -> None:
    await what_was_had_is_told(at)
    await at.pass_time((0.5, 1, 4, 15, 32)[which % 5] * DAY_S)


async def _one(at: Till, kind: str, which: int, **having: Any) -> dict[str, Any]:
    found = [
        each
        for each in await at.objects(kind)
        if all(each[name] == value for name, value in having.items())
    ]
    if not found:
        raise LookupError(kind)
    return found[which % len(found)]


async def _card(at: Till, customer: str) -> str:
    found = await at.v1.customers.payment_methods.list_async(customer)
    if not found.data:
        raise LookupError("card")
    return str(found.data[0].id)


async def _dashboard_customer(at: Till) -> str:
    if known := await at.customers_of(DASHBOARD):
        return known.pop()
    made = await at.v1.customers.create_async({"metadata": {"staging_account": DASHBOARD}})
    card = await at.v1.payment_methods.attach_async("pm_card_visa", {"customer": made.id})
    settings = {"default_payment_method": card.id}
    await at.v1.customers.update_async(made.id, {"invoice_settings": settings})
    return str(made.id)


DEEDS: tuple[Deed, ...] = (
    open_page_of_pro,
    open_page_of_a_pack,
    pay_a_page,
    pay_a_page,
    pay_a_page_with_a_code,
    subscribe,
    pay_a_bill,
    switch,
    cancel,
    resume,
    have_another_card,
    subscribe_at_stripe,
    buy_at_stripe,
    end_at_once,
    refund,
    dispute,
    decide_a_dispute,
    delete_the_customer,
    sell_to_somebody_else,
    time_passes,
    *beyond.DEEDS,
)
NOT_NOW = (LookupError, ZeroDivisionError, ValueError, StagingError, vendor.StripeError)
"""What a deed is answered with where it makes no sense, or where a call failed on purpose."""


# --- one run -----------------------------------------------------------------------------------


async def run(seed: int, chosen: dict[str, Any]) -> None:
    chance = Random(seed)  # noqa: S311 - to be repeated
    async with open_till(plans=SOLD, **chosen) as at:
        await at.account(BUYER, DASHBOARD)
        under_way: list[str] = []
        told: set[str] = set()
        ended: set[str] = set()
        for _ in range(chance.randint(4, 14)):
            await something(at, chance)
            new = [each["id"] for each in await at.objects("event") if each["id"] not in told]
            told |= set(new)
            under_way += [each for each in new for _ in range(chance.randint(0, 5))]
            chance.shuffle(under_way)
            arrive = chance.randint(0, min(len(under_way), 20))
            await at.send(*under_way[:arrive])
            del under_way[:arrive]
            if chance.random() < 0.6:
                await looked_at(at, chance.choice((0, 0, 1, 2)))
                ended = await has_ended(at, ended)
        await at.send(*under_way)
        await looked_at(at, 0)
        ended = await has_ended(at, ended)
        await at.settle()
        await has_ended(at, ended)
        await is_as_stripe_has_it(at)


async def something(at: Till, chance: Random) -> None:
    """A deed that makes sense now, if one of a few does; a call of it may fail."""
    if chance.random() < 0.2:
        at.stripe.then(chance.choice(FAULTS), on="POST /v1/*")
    for _ in range(8):
        with suppress(*NOT_NOW):
            await chance.choice(DEEDS)(at, chance.randint(0, 40))
            break
    at.stripe.chaos(next=[])


async def looked_at(at: Till, failing: int) -> None:
    """By two processes at once; so many of their calls fail."""
    for _ in range(failing):
        at.stripe.then("error_before", on="GET /v1/*")
    await asyncio.gather(*(Following(at.house.ports).follow() for _ in range(2)))
    at.stripe.chaos(next=[])


async def has_ended(at: Till, before: set[str]) -> set[str]:
    """The subscriptions that have ended, all that had ended ``before`` among them."""
    rows = await at.rows(tables.subscriptions)
    ended = {row["id"] for row in rows if row["status"] in FINAL}
    assert ended >= before
    return ended


async def is_as_stripe_has_it(at: Till) -> None:
    """By Stripe's own objects: our backend, which reads them for us, is not asked."""
    owners = {name: await at.customers_of(name) for name in ACCOUNTS}
    account = {customer: name for name, theirs in owners.items() for customer in theirs}
    rows = {row["id"]: row for row in await at.rows(tables.subscriptions)}
    subscriptions = [one for one in await at.objects("subscription") if one["customer"] in account]
    assert rows.keys() == {one["id"] for one in subscriptions}
    for one in subscriptions:
        item = plan_of(one)
        row = rows[one["id"]]
        assert row["account_id"] == account[one["customer"]]
        assert {
            "status": row["status"],
            "price_id": row["price_id"],
            "current_period_start": row["period_start"],
            "current_period_end": row["period_end"],
            "cancel_at": row["cancel_at"],
        } == {
            "status": one["status"],
            "price_id": item["price"]["id"],
            "current_period_start": item["current_period_start"],
            "current_period_end": item["current_period_end"],
            "cancel_at": one["cancel_at"],
        }
    await credits_are_what_was_paid(at, owners)
    await plans_are_what_is_paid(at, subscriptions, account)
    await what_is_beyond_is_charged(at, subscriptions)
    events = await at.rows(tables.payment_events)
    assert len(events) == len({row["event_id"] for row in events})
    problems = await at.problems()
    assert problems <= {"An account has two subscriptions that are paid."}, problems


async def credits_are_what_was_paid(at: Till, owners: dict[str, set[str]]) -> None:
    """Each pack was given once, and nothing is spent here: what is left was not given back.

    Of one that a code has made free nothing can be given back.
    """
    charges = {one["payment_intent"]: one for one in await at.objects("charge") if one["paid"]}
    disputes = await at.objects("dispute")
    taken = {one["payment_intent"] for one in disputes if one["status"] != "won"}
    packs = [one for one in await at.objects("payment_intent") if one["metadata"]]
    free = [
        one
        for one in await at.objects("checkout.session")
        if (one["mode"], one["payment_status"]) == ("payment", "no_payment_required")
    ]
    grants = [row["id"] for row in await at.rows(tables.ledger) if row["kind"] == "grant"]
    for name, theirs in owners.items():
        paid = [one for one in packs if one["customer"] in theirs and one["status"] == "succeeded"]
        gifts = [one for one in free if one["customer"] in theirs and one["status"] == "complete"]
        for one in paid + gifts:
            assert grants.count(f"purchase-{one['id']}") == 1
        went = {
            id: 10 if id in taken else 10 * charge["amount_refunded"] // charge["amount"]
            for id, charge in charges.items()
        }
        left = sum(10 - went[one["id"]] for one in paid)
        assert await at.credits(name) == left + 10 * len(gifts)


async def plans_are_what_is_paid(
    at: Till, subscriptions: list[dict[str, Any]], account: dict[str, str]
) -> None:
    """Who has a plan pays for it, and who pays for one has it."""
    codes = {price: code for code, price in at.price.items()}
    for name in ACCOUNTS:
        paid = {
            codes[plan_of(one)["price"]["id"]]
            for one in subscriptions
            if account[one["customer"]] == name and one["status"] in GIVE
        }
        standing = await at.house.ports.billing.standing(name)  # type: ignore[attr-defined]
        assert standing.plan_code in (paid or {"free"})


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_the_end_is_as_stripe_has_it(
    database: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    fresh = request.getfixturevalue("postgresql").fresh if database else nullcontext

    for seed in range(RUNS if not database else max(3, RUNS // 5)):
        with fresh() as chosen:
            try:
                asyncio.run(run(seed, chosen or {}))
            except BaseException as error:
                error.add_note(f"run({seed}, …)")
                raise


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_what_was_deleted_is_not_revived_by_an_update_that_comes_late(
    database: dict[str, Any],
) -> None:
    async def scenario() -> None:
        async with open_till(**database) as at:
            await at.account(DASHBOARD)
            await subscribe_at_stripe(at, 0)
            await have_another_card(at, 0)
            [one] = await at.objects("subscription")
            await at.v1.subscriptions.cancel_async(one["id"])
            told = {"customer.subscription.deleted": [], "customer.subscription.updated": []}
            early = []
            for event in await at.objects("event"):
                told.get(event["type"], early).append(event["id"])
            await at.send(*early, *told["customer.subscription.deleted"])
            await at.follow()
            late = told["customer.subscription.updated"]
            assert late
            await at.send(*late * 3)
            await at.follow()
            [row] = await at.rows(tables.subscriptions)
            assert row["status"] == "canceled"
            await is_as_stripe_has_it(at)

    asyncio.run(scenario())
