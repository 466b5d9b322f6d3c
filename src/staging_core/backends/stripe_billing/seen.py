"""Stripe's objects, as far as they are read here; what else is in them is not looked at.

A reference is an id, unless it was asked for whole (``expand``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from staging_core.models import SubscriptionStatus
from staging_core.models.invoice import InvoiceStatus


class Recurring(msgspec.Struct, frozen=True, kw_only=True):
    """How a price comes again."""

    interval: str = "month"
    interval_count: int = 1
    usage_type: str = "licensed"
    meter: str | None = None


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """``unit_amount`` is None where it is no whole number of smallest units, or in tiers."""

    id: str
    active: bool
    currency: str
    unit_amount: int | None = None
    billing_scheme: str = "per_unit"
    recurring: Recurring | None = None

    @property
    def metered(self) -> bool:
        """Whether it is charged by what was metered."""
        return self.recurring is not None and self.recurring.usage_type == "metered"

    @property
    def meter(self) -> str | None:
        """What counts it, where it is metered."""
        return None if self.recurring is None else self.recurring.meter

    @property
    def is_of_a_plan(self) -> bool:
        """Whether it is one amount a month, paid before: such prices can be compared."""
        comes = self.recurring
        monthly = comes is not None and (comes.interval, comes.interval_count) == ("month", 1)
        return monthly and not self.metered and self.is_one_amount

    @property
    def is_one_amount(self) -> bool:
        """Whether it is so much for each, in whole units and no tiers."""
        return self.billing_scheme == "per_unit" and self.unit_amount is not None


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """What the form on the customer's side confirms a payment or a card with."""

    client_secret: str | None = None


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """What a bill is of: ``subscription_details.subscription``."""

    subscription_details: dict[str, Any] | None = None


_FORGIVEN = ("user_forgiven", "subscription_paused")


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice. ``billing_reason``: such as a new period, or a change of the subscription.

    ``status_details``: why it is ``uncollectible``, where it is.
    """

    id: str
    created: float
    currency: str
    amount_due: int
    amount_paid: int
    status: InvoiceStatus | None = None
    status_details: dict[str, Any] | None = None
    billing_reason: str | None = None
    number: str | None = None
    hosted_invoice_url: str | None = None
    invoice_pdf: str | None = None
    parent: Parent | None = None
    confirmation_secret: Secret | None = None

    @property
    def subscription_id(self) -> str | None:
        """Of the subscription that it is of, if it is of one."""
        details = (self.parent and self.parent.subscription_details) or {}
        return reference(details.get("subscription"))

    @property
    def is_due(self) -> bool:
        """Whether it is of a period, and is to be paid yet; a draft is collected within an hour.

        One that was given up as nobody paid it is, though its subscription is active again.
        """
        of_period = self.billing_reason in ("subscription_create", "subscription_cycle")
        return of_period and self._is_unpaid and self.amount_due > 0

    @property
    def _is_unpaid(self) -> bool:
        if self.status == "uncollectible":
            why = (self.status_details or {}).get("uncollectible") or {}
            return why.get("reason") not in _FORGIVEN
        return self.status in ("draft", "open")


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One price of a subscription; its period is here, and nowhere else."""

    id: str
    price: Price
    current_period_start: float
    current_period_end: float


class Items(msgspec.Struct, frozen=True, kw_only=True):
    """All prices of a subscription."""

    data: list[Item]


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription. ``pending_update``: a change that waits until it is paid.

    It ends with its period by the flag, or (also by the portal) when ``cancel_at`` says.
    """

    id: str
    customer: str
    status: SubscriptionStatus
    created: float
    items: Items
    metadata: dict[str, str] = {}
    cancel_at: float | None = None
    cancel_at_period_end: bool = False
    canceled_at: float | None = None
    trial_end: float | None = None
    collection_method: str = "charge_automatically"
    default_payment_method: str | None = None
    pending_update: dict[str, Any] | None = None
    latest_invoice: str | Bill | None = None
    pending_setup_intent: str | Secret | None = None

    @property
    def plan(self) -> Item:
        """The item that is paid by the month, and not by what was metered."""
        return next((one for one in self.items.data if not one.price.metered), self.items.data[0])

    @property
    def ends_at(self) -> float | None:
        """When it ends by itself, however that was said."""
        by_flag = self.plan.current_period_end if self.cancel_at_period_end else None
        return by_flag if self.cancel_at is None else self.cancel_at

    @property
    def owes(self) -> bool:
        """Whether the bill of its period is not paid; who is sent bills to pay later is trusted."""
        if self.status in ("past_due", "unpaid"):
            return True
        bill, trusted = self.latest_invoice, self.collection_method != "charge_automatically"
        return isinstance(bill, Bill) and bill.is_due and not trusted

    @property
    def metered(self) -> list[Item]:
        """The items that are paid by what was metered."""
        return [one for one in self.items.data if one.price.metered]


class RunningSubscriptions(msgspec.Struct, frozen=True, kw_only=True):
    """Those of a customer that have not ended, the newest first."""

    data: list[Subscribed] = []


class InvoiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a customer's bills are paid."""

    default_payment_method: str | None = None


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Of a ``deleted`` one its id is all that is left."""

    id: str
    deleted: bool = False
    created: float = 0.0
    email: str | None = None
    name: str | None = None
    address: dict[str, Any] | None = None
    metadata: dict[str, str] = {}
    invoice_settings: InvoiceSettings = InvoiceSettings()
    subscriptions: RunningSubscriptions = RunningSubscriptions()


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """Money that was taken. ``disputed`` stays so, also when the dispute was won."""

    id: str
    amount_refunded: int = 0
    disputed: bool = False


# The bank has the money: until it decides, also about an appeal, or because it has decided so.
_WITH_THE_BANK = (
    "needs_response",
    "under_review",
    "lost",
    "appeal_needs_response",
    "appeal_under_review",
)


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A holder wants the money of a charge back. An inquiry (``warning_…``) takes nothing."""

    id: str
    status: str
    payment_method_details: dict[str, Any] | None = None

    @property
    def has_taken(self) -> bool:
        """Whether the holder has the money: of those that were prevented, by a resolution."""
        if self.status == "prevented":
            card = (self.payment_method_details or {}).get("card") or {}
            return bool(card.get("case_type") == "resolution")
        return self.status in _WITH_THE_BANK


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A payment intent: that somebody pays once."""

    id: str
    status: str
    created: float
    currency: str
    amount_received: int = 0
    customer: str | None = None
    metadata: dict[str, str] = {}
    latest_charge: str | Charge | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A checkout."""

    id: str
    mode: str
    created: float
    status: str | None = None
    payment_status: str | None = None
    url: str | None = None
    currency: str | None = None
    customer: str | None = None
    payment_intent: str | None = None
    metadata: dict[str, str] | None = None


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay; ``card`` of a card."""

    id: str
    type: str
    card: dict[str, Any] | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Something that only its id, its state or its name is read of."""

    id: str
    name: str | None = None
    active: bool | None = None
    status: str | None = None
    url: str | None = None
    event_name: str | None = None
    lookup_key: str | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a meter has counted in some time."""

    aggregated_value: float


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    """``object``: as it was when the event was made."""

    object: dict[str, Any]
    previous_attributes: dict[str, Any] | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A report of Stripe. ``account``: of a connected account, which is not ours."""

    id: str
    type: str
    created: float
    livemode: bool
    data: EventData
    object: str = ""
    account: str | None = None


def reference(value: Any) -> str | None:
    """The id that a reference stands for, whole or not."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) and value else None
