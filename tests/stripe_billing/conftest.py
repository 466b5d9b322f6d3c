"""The backend, open, at a double of Stripe over real HTTP; and what a shop needs beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import stripe as vendor

from staging_core.backends.stripe_billing.billing import StripeBilling
from staging_core.backends.stripe_billing.opening import open_stripe_billing
from staging_core.models import Listing, Offer, PaidSubscription, Period, Plan, Standing
from staging_core.testing.fake_context import FakeContext
from staging_core.testing.stripe import RunningStripe, running_stripe
from staging_core.urls import BackendURL

SECRETS = "whsec_of_the_tests_1 whsec_of_the_tests_2"  # pragma: allowlist secret
PRO = Plan(name="Pro", images=100, price_cents=2900, overage_images=50, overage_cents=40)


class Ledger:
    """Every account has 10 images left of Pro."""

    async def of(self, account_id: str) -> Standing:
        """The same for each."""
        period = Period.month_of(1_800_000_000)
        return Standing(
            account_id=account_id, plan_code="pro", plan=PRO, period=period, allowance=10
        )


class Context(FakeContext):
    """What a billing backend is opened with."""

    standings = Ledger()


class Shop(msgspec.Struct, frozen=True):
    """``billing``: the backend, at ``stripe``. ``v1``: the vendor's client, at the same one."""

    billing: StripeBilling
    stripe: RunningStripe
    v1: Any

    async def customer(self, account: str = "acc_ada", card: str | None = "pm_card_visa") -> str:
        """A customer of ours, who pays with this card."""
        made = await self.billing.make_customer(
            account, email="ada@example.com", name="Ada", key=f"customer {account}"
        )
        if card:
            method = await self.v1.payment_methods.attach_async(card, {"customer": made})
            default = {"default_payment_method": method.id}
            await self.v1.customers.update_async(made, {"invoice_settings": default})
        return made

    async def offer(self, code: str = "pro", amount: int = 2900, **more: Any) -> Offer:
        """A plan at this price, published."""
        price = await self.billing.publish(plan(code, amount))
        return Offer(kind="plan", code=code, price_id=price, **more)

    async def pack(self, amount: int = 1000) -> Offer:
        """A pack at this price, published."""
        listing = Listing(kind="pack", code="ten", name="Ten", amount_cents=amount, currency="usd")
        return Offer(kind="pack", code="ten", price_id=await self.billing.publish(listing))

    async def checkout(self, customer: str, offer: Offer, purchase: str = "pur_1") -> str:
        """The id of the session of a new checkout."""
        url = await self.billing.checkout(
            customer,
            offer,
            purchase_id=purchase,
            success_url="https://shop.example/thanks",
            cancel_url="https://shop.example/",
            key=f"checkout {purchase}",
        )
        return url.rpartition("/")[2]

    async def subscribed(self, customer: str, offer: Offer) -> str:
        """The id of a subscription that was paid on Stripe's page."""
        paid = self.stripe.pay(await self.checkout(customer, offer))
        return str(paid["subscription"])

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The events of this type that Stripe has made, the oldest first."""
        return [one for one in self.stripe.objects("event") if one["type"] == kind]


def plan(code: str = "pro", amount: int = 2900, **more: Any) -> Listing:
    """A plan as an operator sells it."""
    usual = {"name": code.title(), "currency": "usd"}
    return Listing(kind="plan", code=code, amount_cents=amount, **{**usual, **more})


Scenario = Callable[[Shop], Awaitable[None]]
Play = Callable[..., None]


@asynccontextmanager
async def opened(
    stripe: RunningStripe, home: Path, url: str = "stripe:", **secrets: str
) -> AsyncIterator[StripeBilling]:
    """The backend at that double."""
    given = {
        "STRIPE_SECRET_KEY": stripe.key,
        "STRIPE_WEBHOOK_SECRETS": SECRETS,
        "STRIPE_BASE_URL": stripe.url,
        **secrets,
    }
    context = Context(home, secrets=given, clock=time.time)
    async with open_stripe_billing(BackendURL.parse(url), context) as billing:
        yield billing


@asynccontextmanager
async def vendors_client(stripe: RunningStripe) -> AsyncIterator[Any]:
    """The client of the vendor's own package, at that double."""
    line = vendor.HTTPXClient(timeout=20)
    client = vendor.StripeClient(stripe.key, http_client=line, base_addresses={"api": stripe.url})
    yield client.v1
    await line.close_async()  # type: ignore[no-untyped-call]


@pytest.fixture
def stripe() -> Iterator[RunningStripe]:
    """A double that behaves, until a test says otherwise."""
    with running_stripe() as double:
        yield double


@pytest.fixture
def play(stripe: RunningStripe, tmp_path: Path) -> Play:
    """Runs a scenario in a shop whose backend was opened by this URL."""

    async def whole(scenario: Scenario, url: str) -> None:
        async with vendors_client(stripe) as v1, opened(stripe, tmp_path, url) as billing:
            await scenario(Shop(billing, stripe, v1))

    return lambda scenario, url="stripe:": asyncio.run(whole(scenario, url))


def intent_of(secret: str | None) -> str:
    """The intent that a client secret confirms."""
    assert secret
    return secret.partition("_secret_")[0]


async def look(shop: Shop, subscription: str) -> PaidSubscription:
    """A subscription as it is at the provider now."""
    seen = await shop.billing.look("subscription", subscription)
    assert isinstance(seen, PaidSubscription)
    return seen
