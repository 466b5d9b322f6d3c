"""Whether an object is one that the installed ``stripe`` package publishes.

Read from the package's classes alone; shares nothing with the double. An attribute whose type takes
``None`` may be null or absent, every other one has to be there; a word of a closed list has to be
one of the list; an attribute that the class does not know is a mistake.
"""

from __future__ import annotations

import sys
import typing
from decimal import Decimal
from operator import attrgetter
from typing import Any, ForwardRef, Literal, TypeVar, Union

import stripe
from stripe import ListObject, StripeObject

NAMES = (
    "Charge",
    "Coupon",
    "Customer",
    "Discount",
    "Dispute",
    "Event",
    "Invoice",
    "InvoiceItem",
    "InvoiceLineItem",
    "InvoicePayment",
    "LineItem",
    "PaymentIntent",
    "PaymentMethod",
    "Plan",
    "Price",
    "Product",
    "ProductFeature",
    "PromotionCode",
    "Refund",
    "SetupIntent",
    "Subscription",
    "SubscriptionItem",
    "WebhookEndpoint",
    "billing.Meter",
    "billing.MeterEvent",
    "billing.MeterEventSummary",
    "billing_portal.Configuration",
    "billing_portal.Session",
    "checkout.Session",
    "entitlements.ActiveEntitlement",
    "entitlements.ActiveEntitlementSummary",
    "entitlements.Feature",
    "test_helpers.TestClock",
)
CLASSES: dict[str, type] = {
    cls.OBJECT_NAME: cls for cls in (attrgetter(name)(stripe) for name in NAMES)
}


class NotPublished(AssertionError):
    """The object is not as published; the text says where."""


def check(value: dict[str, Any]) -> None:
    """``NotPublished`` unless the object has the shape of its kind."""
    kind = value.get("object")
    if kind not in CLASSES:
        raise NotPublished(f"There is no object {kind!r}.")
    _object(value, CLASSES[kind], str(kind))


def _object(value: Any, cls: type, where: str) -> None:
    if not isinstance(value, dict):
        raise NotPublished(f"{where} is {value!r}, not a {cls.__qualname__}")
    known = _annotations(cls)
    for name in value.keys() - known.keys():
        raise NotPublished(f"{where}.{name} is not known to {cls.__qualname__}")
    for name, annotation in known.items():
        if name in value:
            _value(value[name], annotation, cls, f"{where}.{name}")
        elif type(None) not in typing.get_args(annotation):
            raise NotPublished(f"{where}.{name} is missing")


def _annotations(cls: type) -> dict[str, Any]:
    found = {name: one for name, one in cls.__annotations__.items() if not name.startswith("_")}
    return {name: one for name, one in found.items() if name != "OBJECT_NAME"}


def _value(value: Any, annotation: Any, cls: type, where: str) -> None:
    members = _members(annotation)
    if value is None:
        fits = type(None) in members
    else:
        fits = any(_fits(value, member, cls, where) for member in _exact(members))
    if not fits:
        raise NotPublished(f"{where} is {value!r}, not {annotation}")


def _exact(members: list[Any]) -> list[Any]:
    """Without the ``str`` that leaves a list of words open."""
    words = any(typing.get_origin(member) is Literal for member in members)
    return [member for member in members if not (words and member is str)]


def _members(annotation: Any) -> list[Any]:
    if typing.get_origin(annotation) is Union:
        return [one for member in typing.get_args(annotation) for one in _members(member)]
    return [annotation]


def _fits(value: Any, member: Any, cls: type, where: str) -> bool:
    origin, arguments = typing.get_origin(member), typing.get_args(member)
    if isinstance(member, (str, ForwardRef)):
        member = _named(member if isinstance(member, str) else member.__forward_arg__, cls)
    if origin is Literal:
        return value in arguments
    if origin in (list, ListObject):
        values = value if origin is list else _listed(value)
        return isinstance(values, list) and _all(values, arguments[0], cls, where)
    if origin is not None:
        return isinstance(value, dict)
    if isinstance(member, type) and issubclass(member, StripeObject):
        return _is_object(value, member, where)
    return isinstance(member, TypeVar) or member is Any or _is_scalar(value, member)


def _is_object(value: Any, cls: type, where: str) -> bool:
    if isinstance(value, dict) and "Untyped" not in cls.__name__:
        _object(value, cls, where)
    return isinstance(value, dict)


def _all(values: list[Any], annotation: Any, cls: type, where: str) -> bool:
    for place, one in enumerate(values):
        _value(one, annotation, cls, f"{where}[{place}]")
    return True


def _listed(value: Any) -> Any:
    whole = isinstance(value, dict) and {"object", "data", "has_more", "url"} <= value.keys()
    return value["data"] if whole else None


def _is_scalar(value: Any, member: Any) -> bool:
    if member is Decimal:
        return isinstance(value, str) and Decimal(value).is_finite()
    if member is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is member


def _named(name: str, cls: type) -> Any:
    """The class that a forward reference means: of the package, or within its own class."""
    last = name.rpartition(".")[2]
    space: Any = sys.modules[cls.__module__]
    try:
        for part in name.split("."):
            space = getattr(space, part)
    except AttributeError:
        found = getattr(cls, last, None) or _by_name().get(last)
        if found is None:
            raise NotPublished(f"{cls.__qualname__} names {name}, which is unknown") from None
        return found
    return space


def _by_name() -> dict[str, type]:
    return {cls.__name__: cls for cls in CLASSES.values()}
