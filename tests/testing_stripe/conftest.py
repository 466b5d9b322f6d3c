"""A double of Stripe, the vendor's own asynchronous client, and a shop with a few prices.

After each test all objects and events that it has made are held against the published classes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import stripe as vendor

from staging_core.testing.stripe import Chaos, RunningStripe, Settings, running_stripe

from .published import CLASSES, check

Start = Callable[..., RunningStripe]
Scenario = Callable[[Any], Awaitable[Any]]
Play = Callable[[Scenario], Any]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a double with these settings and this chaos; stopped after the test."""
    running: list[RunningStripe] = []
    with ExitStack() as opened:

        def started(chaos: Chaos | None = None, **settings: Any) -> RunningStripe:
            running.append(opened.enter_context(running_stripe(Settings(**settings), chaos)))
            return running[-1]

        yield started
        for double in running:
            check_all(double)


@pytest.fixture
def stripe(start: Start) -> RunningStripe:
    """A double that behaves."""
    return start()


@pytest.fixture
def play(stripe: RunningStripe) -> Play:
    """Runs a scenario with the vendor's client, unmodified, at the double that behaves."""
    return lambda scenario: played(stripe, scenario)


def played(stripe: RunningStripe, scenario: Scenario, **options: Any) -> Any:
    """What the scenario gives, which gets the client's ``v1``."""

    async def whole() -> Any:
        line = vendor.HTTPXClient(timeout=options.pop("timeout", 20))
        try:
            client = vendor.StripeClient(
                options.pop("key", stripe.key),
                http_client=line,
                base_addresses={"api": stripe.url},
                **options,
            )
            return await scenario(client.v1)
        finally:
            await line.close_async()

    return asyncio.run(whole())


@pytest.fixture
def call(stripe: RunningStripe) -> Iterator[Callable[..., httpx.Response]]:
    """Speaks the API without a client's own ideas: ``call("POST", "/v1/customers", {…})``."""
    with httpx.Client(base_url=stripe.url) as web:

        def called(
            method: str, path: str, form: dict[str, Any] | None = None, **headers: str
        ) -> httpx.Response:
            named = {"authorization": f"Bearer {stripe.key}"}
            named |= {name.replace("_", "-"): value for name, value in headers.items()}
            where = "params" if method != "POST" else "data"
            return web.request(method, path, headers=named, **{where: form or {}})

        yield called


def check_all(stripe: RunningStripe) -> None:
    """Everything that the double has made is as published."""
    for kind in CLASSES:
        for value in stripe.objects(kind):
            if not value.get("deleted"):
                check(value)
            if kind == "event":
                check(value["data"]["object"])


class Shop:
    """``pro``, ``business``: ids of monthly prices of 29 and 99 dollars. ``pack``: of 10, once."""

    def __init__(self, v1: Any) -> None:
        self.v1 = v1

    async def open(self) -> Shop:
        """Make the products and prices."""
        self.pro = await self.price(2900)
        self.business = await self.price(9900)
        self.pack = await self.price(1000, interval=None)
        return self

    async def price(self, amount: int, interval: str | None = "month", **more: Any) -> str:
        """The id of a new price of a new product."""
        product = await self.v1.products.create_async({"name": f"Plan of {amount}"})
        params = {"product": product.id, "currency": "usd", "unit_amount": amount, **more}
        if interval:
            params["recurring"] = {"interval": interval}
        return str((await self.v1.prices.create_async(params)).id)

    async def customer(self, card: str | None = "pm_card_visa", **more: Any) -> str:
        """The id of a new customer who pays with this card."""
        customer = await self.v1.customers.create_async({"email": "ada@example.com", **more})
        if card:
            method = await self.v1.payment_methods.attach_async(card, {"customer": customer.id})
            await self.v1.customers.update_async(
                customer.id, {"invoice_settings": {"default_payment_method": method.id}}
            )
        return str(customer.id)

    async def subscription(self, customer: str, price: str, **more: Any) -> Any:
        """A new subscription to one price."""
        params = {"customer": customer, "items": [{"price": price}], **more}
        return await self.v1.subscriptions.create_async(params)

    async def clock(self, at: int = 1_800_000_000) -> str:
        """The id of a test clock; the usual time is the 15th of January 2027, 8 o'clock."""
        made = await self.v1.test_helpers.test_clocks.create_async({"frozen_time": at})
        return str(made.id)

    async def advance(self, clock: str, to: int) -> None:
        """Let time pass on a test clock."""
        await self.v1.test_helpers.test_clocks.advance_async(clock, {"frozen_time": to})


def types(stripe: RunningStripe, about: str | None = None) -> list[str]:
    """The kinds of all events so far, or of those about one object, the oldest first."""
    told = stripe.truth("event")
    return [one["type"] for one in told if about in (None, one["object"])]


def visit(url: str, form: dict[str, str] | None = None) -> httpx.Response:
    """A page as a customer's browser gets it, or after its form was sent."""
    return httpx.get(url) if form is None else httpx.post(url, data=form)


HALF = 1_800_000_000 + 31 * 43_200  # half of the month that begins at the usual time


async def half_a_month(v1: Any, card: str = "pm_card_visa", **more: Any) -> tuple[Shop, Any]:
    """A subscription to ``pro``, half of whose month is over."""
    shop = await Shop(v1).open()
    clock = await shop.clock()
    ada = await shop.customer(card, test_clock=clock)
    one = await shop.subscription(ada, shop.pro, **more)
    await shop.advance(clock, HALF)
    return shop, one


def to(one: Any, price: str, **more: Any) -> dict[str, Any]:
    """The change of a subscription to another price."""
    return {"items": [{"id": one["items"].data[0].id, "price": price}], **more}
