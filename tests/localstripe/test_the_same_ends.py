"""Localstripe, which nobody here wrote, comes to the same ends as our double of Stripe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.payments.till import open_till

from staging_core.acting.billing import Billing
from staging_core.database import tables
from staging_core.errors import InvalidSignature
from staging_core.interfaces import TakesPayments, supports
from staging_core.models import Callback, Principal
from staging_core.payments.reports import Reports

from .running import Elsewhere, Shop, open_elsewhere


async def told(at: Shop) -> None:
    """All that has happened was reported, and followed."""
    if isinstance(at, Elsewhere):
        await at.told()
    else:
        await at.send_new()
        await at.follow()


async def ends(at: Shop) -> dict[str, Any]:
    """What the installation has in the end, without the provider's own names."""
    codes = {price: code for code, price in at.price.items()}
    customers = {row["account_id"]: row["customer_id"] for row in await at.rows(tables.customers)}
    bills = {
        account: [
            (bill.status, bill.amount_due, bill.amount_paid)
            for bill in await _billing(at).invoices(customer, limit=9, offset=0)
        ]
        for account, customer in customers.items()
    }
    events = {row["type"] for row in await at.rows(tables.payment_events)}
    return {
        "customers": sorted(customers),
        "subscriptions": sorted(
            (
                row["account_id"],
                row["plan"],
                codes[row["price_id"]],
                row["status"],
                row["cancel_at"] == row["period_end"],
            )
            for row in await at.rows(tables.subscriptions)
        ),
        "plans": {
            account: (await at.house.ports.billing.standing(account)).plan_code  # type: ignore[attr-defined]
            for account in ("ada", "ben", "cyd")
        },
        "bills": bills,
        "waiting": [
            row["object_id"] for row in await at.rows(tables.payment_objects) if row["due_at"]
        ],
        "told": {"customer.created", "customer.subscription.created"} & events,
    }


def _billing(at: Shop) -> TakesPayments:
    takes = supports(at.house.ports.billing, TakesPayments)
    assert takes is not None
    return takes


def _account(at: Shop, account_id: str) -> Billing:
    """What an account does."""
    return Billing(at.house.ports, Principal(account_id=account_id))


async def customer(at: Shop, account: str, card: str = "pm_card_visa") -> str:
    """One that our backend makes, with a card that its bills are paid with."""
    made = await _billing(at).make_customer(
        account, email=f"{account}@example.com", name=account.title(), key=f"customer {account}"
    )
    method = await at.v1.payment_methods.attach_async(card, {"customer": made})
    default = {"default_payment_method": method.id}
    await at.v1.customers.update_async(made, {"invoice_settings": default})
    return made


async def subscription(at: Shop, customer_id: str, code: str) -> str:
    """One that is paid at once."""
    items = [{"price": at.price[code]}]
    made = await at.v1.subscriptions.create_async({"customer": customer_id, "items": items})
    return str(made.id)


async def customers_only(at: Shop) -> None:
    """Made by us, made in the dashboard, and one that is deleted."""
    await customer(at, "ada")
    await at.v1.customers.create_async({"metadata": {"staging_account": "ben"}})
    gone = await customer(at, "cyd")
    await at.v1.customers.create_async({"name": "Somebody else's"})
    await told(at)
    await at.v1.customers.delete_async(gone)


async def plans_that_are_paid(at: Shop) -> None:
    """One goes on, one ends with its period, one has ended."""
    for account, code in (("ada", "pro"), ("ben", "business"), ("cyd", "pro")):
        one = await subscription(at, await customer(at, account), code)
        await told(at)
        if account == "ben":
            await _account(at, account).cancel()
        if account == "cyd":
            await at.v1.subscriptions.cancel_async(one)


async def plans_that_go_on(at: Shop) -> None:
    """It is not to end after all; another is not paid by the bank."""
    await subscription(at, await customer(at, "ada"), "pro")
    await told(at)
    await _account(at, "ada").cancel()
    await at.follow()
    await _account(at, "ada").resume()
    declined = await customer(at, "ben", "pm_card_chargeCustomerFail")
    await subscription(at, declined, "pro")


SCENARIOS: tuple[Callable[[Shop], Awaitable[None]], ...] = (
    customers_only,
    plans_that_are_paid,
    plans_that_go_on,
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_localstripe_comes_to_the_same_end(scenario: Callable[[Shop], Awaitable[None]]) -> None:
    async def at_both() -> tuple[dict[str, Any], dict[str, Any]]:
        async with open_elsewhere() as at:
            await accounts(at)
            await scenario(at)
            await told(at)
            there = await ends(at)
        async with open_till() as at_ours:
            await accounts(at_ours)
            await scenario(at_ours)
            await told(at_ours)
            return await ends(at_ours), there

    ours, theirs = asyncio.run(at_both())
    assert ours == theirs
    assert ours["waiting"] == []


def test_what_localstripe_signs_is_believed_and_nothing_else() -> None:
    async def scenario() -> None:
        async with open_elsewhere() as at:
            await accounts(at)
            await customer(at, "ada")
            await told(at)
            kept = await at.rows(tables.payment_events)
            assert "customer.created" in {row["type"] for row in kept}
            forged = {"stripe-signature": f"t={int(time.time())},v1={'0' * 64}"}
            body = b'{"id": "evt_forged", "object": "event", "type": "customer.created"}'
            callback = Callback(body=body, headers=forged, received_at=time.time())
            with pytest.raises(InvalidSignature):
                await Reports(at.house.ports).receive(callback)
            assert await at.rows(tables.payment_events) == kept

    asyncio.run(scenario())


async def accounts(at: Shop) -> None:
    """These accounts are there."""
    await at.account("ada", "ben", "cyd")
