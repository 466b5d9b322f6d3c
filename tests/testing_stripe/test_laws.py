"""Whatever a merchant, a customer and time do: the money adds up, and events tell all of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import stripe as vendor
from hypothesis import given, settings
from hypothesis import strategies as st

from staging_core.testing.stripe import RunningStripe, Settings, running_stripe

from .conftest import Shop, check_all, played

DAY = 86_400
CARDS = ("pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired")
BEHAVIORS = (
    "allow_incomplete",
    "default_incomplete",
    "error_if_incomplete",
    "pending_if_incomplete",
)
PRORATIONS = ("create_prorations", "always_invoice", "none")
plans = st.sampled_from(["pro", "business", "free", "yearly"])
steps = st.one_of(
    st.tuples(st.just("subscribe"), plans, st.sampled_from(BEHAVIORS[:3]), st.just(False)),
    st.tuples(st.just("subscribe"), plans, st.sampled_from(BEHAVIORS[:3]), st.just(True)),
    st.tuples(st.just("change"), plans, st.sampled_from(BEHAVIORS), st.sampled_from(PRORATIONS)),
    st.tuples(st.just("end"), st.booleans()),
    st.tuples(st.just("cancel"), st.booleans()),
    st.tuples(st.just("card"), st.sampled_from(CARDS)),
    st.tuples(st.just("pay"), st.sampled_from(CARDS)),
    st.tuples(st.just("void")),
    st.tuples(st.just("refund"), st.integers(1, 4000)),
    st.tuples(st.just("resume")),
    st.tuples(st.just("wait"), st.integers(1, 45)),
    st.tuples(st.just("wait"), st.integers(28, 33)),
)


class Story:
    """One customer on a test clock; each step acts on what was made last."""

    def __init__(self, v1: Any) -> None:
        self.v1, self.now = v1, 1_800_000_000

    async def begin(self) -> None:
        """Plans, a clock, and a customer who has subscribed to one."""
        self.shop = await Shop(self.v1).open()
        free, yearly = await self.shop.price(0), await self.shop.price(29_000, interval="year")
        self.prices = {"pro": self.shop.pro, "business": self.shop.business}
        self.prices |= {"free": free, "yearly": yearly}
        self.clock = await self.shop.clock(self.now)
        self.ada = await self.shop.customer(test_clock=self.clock)
        self.one = (await self.shop.subscription(self.ada, self.shop.pro)).id

    async def step(self, deed: str, *how: Any) -> None:
        """Do it."""
        await getattr(self, deed)(*how)

    async def subscribe(self, plan: str, behavior: str, trial: bool) -> None:
        more = {"trial_period_days": 7} if trial else {}
        price = self.prices[plan]
        one = await self.shop.subscription(self.ada, price, payment_behavior=behavior, **more)
        self.one = one.id

    async def change(self, plan: str, behavior: str, proration: str) -> None:
        one = await self.v1.subscriptions.retrieve_async(self.one)
        item = {"id": one["items"].data[0].id, "price": self.prices[plan]}
        how = {"payment_behavior": behavior, "proration_behavior": proration}
        await self.v1.subscriptions.update_async(one.id, {"items": [item], **how})

    async def end(self, at_period_end: bool) -> None:
        await self.v1.subscriptions.update_async(self.one, {"cancel_at_period_end": at_period_end})

    async def cancel(self, prorate: bool) -> None:
        await self.v1.subscriptions.cancel_async(self.one, {"prorate": prorate})

    async def resume(self) -> None:
        await self.v1.subscriptions.resume_async(self.one)

    async def card(self, card: str) -> None:
        method = await self.v1.payment_methods.attach_async(card, {"customer": self.ada})
        default = {"invoice_settings": {"default_payment_method": method.id}}
        await self.v1.customers.update_async(self.ada, default)

    async def pay(self, card: str) -> None:
        for invoice in (await self.v1.invoices.list_async({"status": "open"})).data:
            await self.v1.invoices.pay_async(invoice.id, {"payment_method": card})

    async def void(self) -> None:
        for invoice in (await self.v1.invoices.list_async({"status": "open"})).data:
            await self.v1.invoices.void_invoice_async(invoice.id)

    async def refund(self, amount: int) -> None:
        for charge in (await self.v1.charges.list_async({"limit": 1})).data:
            await self.v1.refunds.create_async({"charge": charge.id, "amount": amount})

    async def wait(self, days: int) -> None:
        self.now += days * DAY
        await self.shop.advance(self.clock, self.now)


@settings(max_examples=15, deadline=None)
@given(st.lists(steps, min_size=25, max_size=40))
def test_the_money_adds_up_and_events_tell_all_of_it(story: list[tuple[Any, ...]]) -> None:
    with running_stripe(Settings(retries_days=(3, 5))) as stripe:

        async def scenario(v1: Any) -> None:
            told = Story(v1)
            await told.begin()
            for deed, *how in story:
                before = everything(stripe)
                try:
                    await told.step(deed, *how)
                except vendor.CardError:
                    pass  # the try itself is remembered
                except vendor.StripeError:
                    assert deed == "pay" or everything(stripe) == before

        played(stripe, scenario)
        check_all(stripe)
        the_money_adds_up(stripe)
        events_tell_all(stripe)


def everything(stripe: RunningStripe) -> list[Any]:
    """What there is of subscriptions and money."""
    kinds = ("subscription", "invoice", "invoiceitem", "payment_intent", "charge", "customer")
    return [stripe.objects(kind) for kind in kinds]


def the_money_adds_up(stripe: RunningStripe) -> None:
    """What invoices say is paid was charged, credits were left and used, refunds are within."""
    charged: Counter[str] = Counter()
    for charge in stripe.truth("charge"):
        if charge["status"] == "succeeded":
            charged[charge["invoice"]] += charge["amount"]
    for invoice in stripe.objects("invoice"):
        assert charged[invoice["id"]] == invoice["amount_paid"]
        assert sum(line["amount"] for line in invoice["lines"]["data"]) == invoice["subtotal"]
        assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"] or (
            invoice["status"] == "void"
        )
        if invoice["status"] == "paid":
            left = invoice["total"] + invoice["starting_balance"] - invoice["ending_balance"]
            assert left == invoice["amount_paid"]
    back: Counter[str] = Counter()
    for refund in stripe.truth("refund"):
        back[refund["charge"]] += refund["amount"]
    for charge in stripe.objects("charge"):
        assert back[charge["id"]] == charge["amount_refunded"] <= charge["amount_captured"]


def events_tell_all(stripe: RunningStripe) -> None:
    """Who has read all events knows how everything stands."""
    last = {}
    for event in stripe.objects("event"):
        told = event["data"]["object"]
        last[told.get("id")] = told
    for kind, names in {
        "subscription": ("status", "cancel_at_period_end", "pending_update", "ended_at"),
        "invoice": ("status", "amount_paid", "total"),
        "customer": ("balance",),
        "charge": ("amount_refunded", "status"),
        "payment_intent": ("status",),
    }.items():
        for value in stripe.objects(kind):
            for name in names:
                assert last[value["id"]][name] == value[name], f"{value['id']}.{name}"
            if kind == "subscription":
                items = [one["items"]["data"] for one in (last[value["id"]], value)]
                assert items[0] == items[1]
