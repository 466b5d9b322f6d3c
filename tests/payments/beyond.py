"""Deeds of the account ``local``, which has more than its plan; trials; what the portal does."""

from __future__ import annotations

import asyncio
from typing import Any

from staging_core.database import tables
from staging_core.database.subscriptions import FINAL, GIVE
from staging_core.payments.customers import customer_of
from staging_core.payments.metering import Metering
from staging_core.payments.taking import taking

from .till import PLANS, Till

METERED = "local"
CENTS = 50
SOLD: dict[str, Any] = {
    **PLANS,
    "pro": PLANS["pro"] | {"images": 1, "overage_images": 5, "overage_cents": CENTS},
}
"""The usual plans, and one that charges what is beyond it."""


async def begin_what_charges_overage(at: Till, which: int) -> None:
    """With a trial now and then, and sometimes in the dashboard: without its metered price."""
    if which % 3 == 0:
        told = {"customer": await _customer(at), "items": [{"price": at.price["pro"]}]}
        trial = {"trial_period_days": 14} if which % 2 else {}
        await at.v1.subscriptions.create_async({**told, **trial})
        return
    begun = await at.billing(METERED).subscribe(at.price["pro"])
    if begun.client_secret:
        intent = begun.client_secret.partition("_secret_")[0]
        await at.v1.payment_intents.confirm_async(intent, {"payment_method": "pm_card_visa"})


async def have_images(at: Till, which: int) -> None:
    """As many as there are, of which each is made."""
    try:
        for number in range(1 + which % 3):
            await at.house.submit(number=number, idempotency_key=f"{at.house.clock()}-{number}")
    finally:
        while await at.house.step():
            pass


async def what_was_had_is_told(at: Till) -> None:
    """As sweeps do every minute: what nobody tells for a month no provider takes."""
    for _ in range(3):
        await at.pass_time(600)
        await Metering(at.house.ports).tell()


async def leave_for_a_plan_without(at: Till, which: int) -> None:
    await at.billing(METERED).switch(at.price[("business", "pro")[which % 2]])


async def cancel_on_the_portal(at: Till, which: int) -> None:
    await _on_the_portal(at, "cancel", which)


async def keep_on_the_portal(at: Till, which: int) -> None:
    await _on_the_portal(at, "keep", which)


async def go_on_after_the_portal(at: Till, which: int) -> None:
    """What the portal has cancelled, by us."""
    await at.billing(METERED).resume()


DEEDS = (
    begin_what_charges_overage,
    begin_what_charges_overage,
    have_images,
    have_images,
    have_images,
    leave_for_a_plan_without,
    cancel_on_the_portal,
    keep_on_the_portal,
    go_on_after_the_portal,
)


async def _customer(at: Till) -> str:
    """The one that we make, with a card; a second one would pay for nobody."""
    made = await customer_of(at.house.ports, taking(at.house.ports), METERED)
    card = await at.v1.payment_methods.attach_async("pm_card_visa", {"customer": made})
    default = {"default_payment_method": card.id}
    await at.v1.customers.update_async(made, {"invoice_settings": default})
    return made


async def _on_the_portal(at: Till, deed: str, which: int) -> None:
    open_ = [one for one in await at.objects("subscription") if one["status"] in GIVE]
    if not open_:
        raise LookupError("subscription")
    one = open_[which % len(open_)]
    if not await at.objects("billing_portal.configuration"):
        features = {"subscription_cancel": {"enabled": True, "mode": "at_period_end"}}
        await at.v1.billing_portal.configurations.create_async({"features": features})
    back = {"customer": one["customer"], "return_url": "https://staging.example"}
    session = await at.v1.billing_portal.sessions.create_async(back)
    await asyncio.to_thread(at.stripe.portal, session.id, deed, subscription=one["id"])


async def what_is_beyond_is_charged(at: Till, subscriptions: list[dict[str, Any]]) -> None:
    """Each image was told once, and each plan that charges what is beyond it can do so."""
    entries = [row for row in await at.rows(tables.ledger) if row["kind"] == "capture"]
    had = sum(row["balance"].startswith("overage/") for row in entries)
    assert sum(int(one["value"]) for one in at.stripe.truth("meter_event")) == had
    for one in subscriptions:
        if one["status"] in FINAL or one["status"] not in GIVE or one["pending_update"]:
            continue
        prices = [item["price"] for item in one["items"]["data"]]
        metered = [each["unit_amount"] for each in prices if each["recurring"]["meter"]]
        charges = at.price["pro"] in {each["id"] for each in prices}
        assert metered == ([CENTS] if charges else []), one["id"]


def plan_of(one: dict[str, Any]) -> dict[str, Any]:
    """The item that is paid by the month."""
    [item] = [item for item in one["items"]["data"] if not item["price"]["recurring"]["meter"]]
    return dict(item)
