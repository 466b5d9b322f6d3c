"""Which thing an event of Stripe asks to look at; what else it says is not believed."""

from __future__ import annotations

from typing import Any

from staging_core.models import PaymentNotice
from staging_core.models.paid import PaidKind

from .seen import Event, reference

Target = tuple[PaidKind | None, str | None]


def notice_of(event: Event) -> PaymentNotice:
    """Every event has one; of what we do not keep it names no thing."""
    about = event.data.object
    kind, object_id = _target(event, about)
    return PaymentNotice(
        event_id=event.id,
        type=event.type,
        created_at=event.created,
        kind=kind if object_id else None,
        object_id=object_id,
        customer_id=_customer(event, about),
        subject_id=reference(about),
    )


def _target(event: Event, about: dict[str, Any]) -> Target:
    family = event.type.split(".")
    match family:
        case ["customer", "subscription", *_]:
            return "subscription", reference(about)
        case ["customer" | "payment_method" | "entitlements", *_]:
            return "customer", _customer(event, about)
        case ["invoice", *_]:
            details = (about.get("parent") or {}).get("subscription_details") or {}
            return "subscription", reference(details.get("subscription"))
        case ["checkout", "session", what] if what != "expired":  # on that page nobody has paid
            return _of_checkout(event, about)
        case ["charge", "refunded"] | ["charge", "dispute", *_]:
            return "purchase", reference(about.get("payment_intent"))
    return None, None


def _of_checkout(event: Event, about: dict[str, Any]) -> Target:
    match about.get("mode"):
        case "subscription":
            return "subscription", reference(about.get("subscription"))
        case "payment":
            return "purchase", reference(about.get("payment_intent")) or reference(about)
    return "customer", _customer(event, about)


def _customer(event: Event, about: dict[str, Any]) -> str | None:
    """Whose; of a card that was taken off, whose it was."""
    if about.get("object") == "customer":
        return reference(about)
    before = event.data.previous_attributes or {}
    return reference(about.get("customer")) or reference(before.get("customer"))
