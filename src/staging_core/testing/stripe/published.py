"""The objects of the API as the installed ``stripe`` package publishes them."""

from __future__ import annotations

import typing
from functools import cache
from typing import Any

import stripe

CLASSES: dict[str, type] = {
    cls.OBJECT_NAME: cls
    for cls in (
        stripe.Charge,
        stripe.Coupon,
        stripe.Customer,
        stripe.Discount,
        stripe.Dispute,
        stripe.Event,
        stripe.Invoice,
        stripe.InvoiceItem,
        stripe.InvoiceLineItem,
        stripe.InvoicePayment,
        stripe.LineItem,
        stripe.PaymentIntent,
        stripe.PaymentMethod,
        stripe.Plan,
        stripe.Price,
        stripe.Product,
        stripe.ProductFeature,
        stripe.PromotionCode,
        stripe.Refund,
        stripe.SetupIntent,
        stripe.Subscription,
        stripe.SubscriptionItem,
        stripe.WebhookEndpoint,
        stripe.billing.Meter,
        stripe.billing.MeterEvent,
        stripe.billing.MeterEventSummary,
        stripe.billing_portal.Configuration,
        stripe.billing_portal.Session,
        stripe.checkout.Session,
        stripe.entitlements.ActiveEntitlement,
        stripe.entitlements.ActiveEntitlementSummary,
        stripe.entitlements.Feature,
        stripe.test_helpers.TestClock,
    )
}
# What is there only when asked for with ``expand``, or only for some, and never as null.
ABSENT: dict[str, frozenset[str]] = {
    name: frozenset(absent.split())
    for name, absent in {
        "charge": "level3 presentment_details radar_options refunds authorization_code",
        "checkout.session": "line_items presentment_details optional_items",
        "coupon": "applies_to currency_options",
        "customer": "cash_balance customer_account invoice_credit_balance sources subscriptions"
        " tax tax_ids business_name individual_name",
        "event": "account context",
        "invoice": "confirmation_secret payments amount_paid_off_stripe total_pretax_credit_amounts"
        " threshold_reason",
        "payment_intent": "amount_details presentment_details hooks payment_details",
        "price": "currency_options tiers",
        "product": "default_price",
        "subscription": "presentment_details customer_account",
        "webhook_endpoint": "secret",
    }.items()
}
# Of a payment method all kinds but its own are absent.
_OF_METHODS = frozenset({"customer", "allow_redisplay", "metadata"})


def filled(value: dict[str, Any]) -> dict[str, Any]:
    """The object with null for everything that it may have and does not."""
    kind = value["object"]
    nulls = {name: None for name in _nullable(kind) if name not in value}
    return {**value, **nulls}


@cache
def _nullable(kind: str) -> frozenset[str]:
    absent = ABSENT.get(kind, frozenset()) | {"deleted"}
    names = frozenset(
        name
        for name, annotation in CLASSES[kind].__annotations__.items()
        if type(None) in typing.get_args(annotation)
    )
    return names & _OF_METHODS if kind == "payment_method" else names - absent


@cache
def expandable(kind: str, name: str) -> bool:
    """Whether this attribute is an id that ``expand`` makes an object."""
    known = CLASSES.get(kind)
    annotation = known.__annotations__.get(name) if known else None
    return annotation is not None and _expandable(annotation)


def _expandable(annotation: Any) -> bool:
    parts = typing.get_args(annotation)
    if str in parts and any(isinstance(part, typing.ForwardRef) for part in parts):
        return True
    return any(_expandable(part) for part in parts)
