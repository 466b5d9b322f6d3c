"""What needs a payment provider: it answers 503 until one is configured."""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

from msgspec import Meta, Struct

from staging_core.errors import ServiceUnavailable
from staging_embed.access import member
from staging_embed.call import Call

from .billing import billing

__all__ = ["billing"]

_read, _write = member("billing:read"), member("billing:write")
_paid: dict[str, Any] = {"errors": (ServiceUnavailable,)}


class Price(Struct, frozen=True, kw_only=True):
    """A price of a plan."""

    price_id: Annotated[str, Meta(min_length=1, max_length=255)]


class Address(Struct, frozen=True, kw_only=True):
    """Where to go on, in a browser."""

    url: str


class Elements(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the provider's own form needs."""

    subscription_id: str
    client_secret: str


class Card(Struct, frozen=True, kw_only=True, rename="camel"):
    """A card, as far as it may be shown."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int


class PaymentMethod(Struct, frozen=True, kw_only=True, rename="camel"):
    """One way to pay."""

    id: str
    type: str
    card: Card | None
    is_default: bool


class PaymentMethods(Struct, frozen=True, kw_only=True, rename="camel"):
    """Ways to pay that the account has."""

    payment_methods: list[PaymentMethod]


class ChosenMethod(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the account's ways to pay."""

    payment_method_id: Annotated[str, Meta(min_length=1, max_length=255)]


class Changed(Struct, frozen=True, kw_only=True):
    """It is done; in a plain sentence."""

    message: str


class Upgraded(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """It is done, or the provider's own form goes on with it."""

    success: bool = False
    message: str | None = None
    client_secret: str | None = None
    subscription_id: str | None = None


@billing.post("/billing/create-checkout", _write, creates=True, **_paid)
async def create_checkout(call: Call, body: Price) -> Address:
    """Begin to pay for a plan."""
    _needs_payments()


@billing.post("/billing/portal", _write, **_paid)
async def create_billing_portal(call: Call) -> Address:
    """Where the account's payments are looked after."""
    _needs_payments()


@billing.post("/billing/create-subscription-elements", _write, creates=True, **_paid)
async def create_subscription_elements(call: Call, body: Price) -> Elements:
    """Begin to pay for a plan in a form of the page's own."""
    _needs_payments()


@billing.get("/billing/payment-methods", _read, **_paid)
async def list_payment_methods(call: Call) -> PaymentMethods:
    """Ways to pay that the account has."""
    _needs_payments()


@billing.post("/billing/set-default-payment-method", _write, **_paid)
async def set_default_payment_method(call: Call, body: ChosenMethod) -> Changed:
    """Pay in this way from now on."""
    _needs_payments()


@billing.post("/billing/remove-payment-method", _write, **_paid)
async def remove_payment_method(call: Call, body: ChosenMethod) -> Changed:
    """Forget a way to pay."""
    _needs_payments()


@billing.post("/billing/upgrade-subscription", _write, creates=True, **_paid)
async def upgrade_subscription(call: Call, body: Price) -> Upgraded:
    """Go to another plan, also from the free one."""
    _needs_payments()


@billing.post("/billing/cancel-subscription", _write, **_paid)
async def cancel_subscription(call: Call) -> Changed:
    """End the plan with its period."""
    _needs_payments()


def _needs_payments() -> NoReturn:
    raise ServiceUnavailable(
        "Payments are not configured here: nothing is charged, and everybody has the free plan."
    )
