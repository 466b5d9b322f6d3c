"""Usage, plans and payments.

Everybody has the free plan where nothing is charged. What needs a payment provider answers 503
until one is configured.
"""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

from msgspec import Meta, Struct

from staging_core.errors import ServiceUnavailable
from staging_embed.access import anyone, member
from staging_embed.call import Call
from staging_embed.routing import Routes
from staging_embed.times import rfc3339

billing = Routes("billing")
_read, _write = member("billing:read"), member("billing:write")
_FREE = "free"
_NO_LIMIT = 2**31 - 1  # what fits the number of any client
_paid: dict[str, Any] = {"errors": (ServiceUnavailable,)}


class Page(Struct, frozen=True, kw_only=True):
    """Which part of the list."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    offset: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class Invoice(Struct, frozen=True, kw_only=True):
    """One invoice; money in cents."""

    id: str
    status: str
    amount_due: int
    amount_paid: int
    currency: str
    invoice_number: str | None
    created_at: str


class InvoiceList(Struct, frozen=True, kw_only=True):
    """Invoices, newest first."""

    items: list[Invoice]
    limit: int
    offset: int


class Subscription(Struct, frozen=True, kw_only=True):
    """A plan that the account has; the free one too."""

    id: str
    status: str
    price_id: str
    current_period_start: str
    current_period_end: str
    cancel_at: str | None = None
    canceled_at: str | None = None
    cancel_at_period_end: bool = False


class SubscriptionList(Struct, frozen=True, kw_only=True):
    """The account's plans."""

    items: list[Subscription]
    limit: int
    offset: int


class UsageAnswer(Struct, frozen=True, kw_only=True):
    """Images that became ready in this calendar month (UTC); deleted ones stay counted.

    `has_subscription`: whether a plan is paid for. Where nothing is charged, `monthly_limit` is
    2147483647: there is none.
    """

    images_used: int
    monthly_limit: int
    plan_code: str
    period_start: str
    period_end: str
    has_subscription: bool
    remaining_images: int


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


class Received(Struct, frozen=True):
    """`duplicate`: it was here before, and changed nothing."""

    status: str


@billing.get("/billing/usage", _read)
async def get_usage(call: Call) -> UsageAnswer:
    """What was used in this month, and what is left."""
    usage = await call.me.usage()
    return UsageAnswer(
        images_used=usage.used,
        monthly_limit=_NO_LIMIT,
        plan_code=_FREE,
        period_start=rfc3339(usage.period_start),
        period_end=rfc3339(usage.period_end),
        has_subscription=False,
        remaining_images=max(0, _NO_LIMIT - usage.used),
    )


@billing.get("/billing/subscriptions", _read)
async def list_subscriptions(call: Call, query: Page) -> SubscriptionList:
    """The account's plans: the free one, where nothing is charged."""
    usage = await call.me.usage()
    free = Subscription(
        id=_FREE,
        status="active",
        price_id=_FREE,
        current_period_start=rfc3339(usage.period_start),
        current_period_end=rfc3339(usage.period_end),
    )
    items = [free][query.offset : query.offset + query.limit]
    return SubscriptionList(items=items, limit=query.limit, offset=query.offset)


@billing.get("/billing/invoices", _read)
async def list_invoices(call: Call, query: Page) -> InvoiceList:
    """Invoices; none where nothing is charged."""
    return InvoiceList(items=[], limit=query.limit, offset=query.offset)


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


@billing.post(
    "/stripe/webhook",
    anyone("the payment provider signs what it sends"),
    raw=("application/json",),
    **_paid,
)
async def receive_stripe_webhook(call: Call) -> Received:
    """Take what the payment provider reports; never without its signature."""
    _needs_payments()


def _needs_payments() -> NoReturn:
    raise ServiceUnavailable(
        "Payments are not configured here: nothing is charged, and everybody has the free plan."
    )
