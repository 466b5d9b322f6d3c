"""What accounts do to pay. Without a payment provider it answers 503."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, structs

from staging_core.errors import (
    AlreadyCreated,
    AlreadySubscribed,
    AskedOtherwise,
    BillingAddressMissing,
    CurrencyDiffers,
    NoActiveSubscription,
    NotFound,
    PaymentRefused,
    PaymentsUnavailable,
    ServiceUnavailable,
    UnknownPrice,
)
from staging_core.models import Payable
from staging_core.models import PaymentMethod as OwnMethod
from staging_embed.access import member
from staging_embed.call import Call
from staging_embed.paging import WholeList

from .billing import billing

__all__ = ["billing"]

_read, _write = member("billing:read"), member("billing:write")
_unpaid = (ServiceUnavailable, PaymentsUnavailable, PaymentRefused)
_paid: dict[str, Any] = {"errors": _unpaid}
_method: dict[str, Any] = {"errors": (*_unpaid, NotFound)}
_change: dict[str, Any] = {"errors": (*_unpaid, NoActiveSubscription)}
_buy: dict[str, Any] = {
    "errors": (
        *_unpaid,
        AskedOtherwise,
        BillingAddressMissing,
        UnknownPrice,
        AlreadySubscribed,
        AlreadyCreated,
    )
}
_switch: dict[str, Any] = {
    "errors": (*_buy["errors"], CurrencyDiffers, NoActiveSubscription),
}


class Price(Struct, frozen=True, kw_only=True):
    """A price of a plan."""

    price_id: Annotated[str, Meta(min_length=1, max_length=255)]


class Address(Struct, frozen=True, kw_only=True):
    """Where to go on, in a browser."""

    url: str


class Elements(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the provider's own form needs; no secret where there is nothing to pay now."""

    subscription_id: str
    client_secret: str | None


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


class PaymentMethods(WholeList, frozen=True, kw_only=True, rename="camel"):
    """Ways to pay that the account has."""

    payment_methods: list[PaymentMethod]


class ChosenMethod(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the account's ways to pay."""

    payment_method_id: Annotated[str, Meta(min_length=1, max_length=255)]


class Changed(Struct, frozen=True, kw_only=True):
    """It is done; in a plain sentence."""

    message: str


class Upgraded(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """It is done, or the provider's own form goes on with it by the secret."""

    success: bool = False
    message: str | None = None
    client_secret: str | None = None
    subscription_id: str | None = None


@billing.post("/billing/create-checkout", _write, creates=True, **_buy)
async def create_checkout(call: Call, body: Price) -> Address:
    """A page on which a plan or a pack is paid; it leads back to where the installation says."""
    return Address(
        url=await call.me.billing.checkout(body.price_id, idempotency_key=call.idempotency_key)
    )


@billing.post("/billing/portal", _write, **_paid)
async def create_billing_portal(call: Call) -> Address:
    """Where the account's payments are looked after."""
    return Address(url=await call.me.billing.portal())


@billing.post("/billing/create-subscription-elements", _write, creates=True, **_buy)
async def create_subscription_elements(call: Call, body: Price) -> Elements:
    """Begin to pay for a plan in a form of the page's own; a repeat is the same subscription."""
    begun = await call.me.billing.subscribe(body.price_id, idempotency_key=call.idempotency_key)
    return Elements(subscription_id=begun.subscription_id, client_secret=begun.client_secret)


@billing.get("/billing/payment-methods", _read, **_paid)
async def list_payment_methods(call: Call) -> PaymentMethods:
    """Ways to pay that the account has, the default one first."""
    found = await call.me.billing.payment_methods()
    return PaymentMethods(payment_methods=[_shown(one) for one in found])


@billing.post("/billing/set-default-payment-method", _write, **_method)
async def set_default_payment_method(call: Call, body: ChosenMethod) -> Changed:
    """Pay in this way from now on."""
    await call.me.billing.choose_payment_method(body.payment_method_id)
    return Changed(message="The account pays in this way from now on.")


@billing.post("/billing/remove-payment-method", _write, **_method)
async def remove_payment_method(call: Call, body: ChosenMethod) -> Changed:
    """Forget a way to pay."""
    await call.me.billing.remove_payment_method(body.payment_method_id)
    return Changed(message="The account does not pay in this way any more.")


@billing.post("/billing/upgrade-subscription", _write, creates=True, **_switch)
async def upgrade_subscription(call: Call, body: Price) -> Upgraded:
    """Go to another plan, also from the free one; a dearer one is there when it is paid."""
    return _upgraded(
        await call.me.billing.switch(body.price_id, idempotency_key=call.idempotency_key)
    )


@billing.post("/billing/cancel-subscription", _write, **_change)
async def cancel_subscription(call: Call) -> Changed:
    """End the plan with its period."""
    await call.me.billing.cancel()
    return Changed(message="The plan ends with its period.")


@billing.post("/billing/resume-subscription", _write, **_change)
async def resume_subscription(call: Call) -> Changed:
    """Go on with a plan that would end with its period."""
    await call.me.billing.resume()
    return Changed(message="The plan goes on.")


def _shown(one: OwnMethod) -> PaymentMethod:
    card = None if one.card is None else Card(**structs.asdict(one.card))
    return PaymentMethod(id=one.id, type=one.type, card=card, is_default=one.is_default)


def _upgraded(paid: Payable) -> Upgraded:
    if paid.client_secret is None:
        return Upgraded(
            success=True, message="The plan is changed.", subscription_id=paid.subscription_id
        )
    return Upgraded(client_secret=paid.client_secret, subscription_id=paid.subscription_id)
