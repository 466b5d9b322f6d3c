"""What a payment provider says of a thing now: the latest state, never what an event said."""

from __future__ import annotations

from typing import Literal

import msgspec

from .subscription import SubscriptionStatus

PaidKind = Literal["customer", "subscription", "purchase"]


class PaidCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """``account_id``: whose it is by what we wrote into it; None: it is not ours.

    ``features``: names of what the customer is entitled to, as far as the provider keeps them.
    """

    id: str
    account_id: str | None
    deleted: bool = False
    created_at: float = 0.0
    features: tuple[str, ...] = ()


class PaidSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """``price_id``: of the plan's item, as it is paid now (a change that waits for its payment is
    not in it). Times are Unix seconds. ``purchase_id``: of our purchase that began it, if one did.

    ``owes``: whether the bill of this period is not paid, be it that it is not collected yet.
    ``paid_price_id``: what this period was paid for, where a smaller plan was chosen since then.
    ``overage_price_ids``: at which what was metered is charged. ``trial_end``: of a trial that has
    an end. ``client_secret``: what the provider's form needs
    where somebody has to pay or to confirm; secret, never kept.
    """

    id: str
    customer_id: str
    price_id: str
    status: SubscriptionStatus
    period_start: float
    period_end: float
    created_at: float
    cancel_at: float | None = None
    canceled_at: float | None = None
    trial_end: float | None = None
    owes: bool = False
    paid_price_id: str | None = None
    overage_price_ids: tuple[str, ...] = ()
    purchase_id: str | None = None
    client_secret: str | None = None

    def __repr__(self) -> str:
        return f"PaidSubscription({self.id}, {self.price_id}, {self.status})"


class PaidPurchase(msgspec.Struct, frozen=True, kw_only=True):
    """A pack that was bought once, or is being bought.

    ``amount_cents`` was paid, ``refunded_cents`` of it went back; ``disputed``: the bank has taken
    it back, for now or for good. ``price_id``: as we wrote it when it was begun.
    """

    id: str
    customer_id: str
    price_id: str
    paid: bool
    amount_cents: int
    currency: str
    created_at: float
    refunded_cents: int = 0
    disputed: bool = False
    purchase_id: str | None = None


Paid = PaidCustomer | PaidSubscription | PaidPurchase

PaymentNews = Literal[
    "bill.paid",
    "bill.failed",
    "bill.refunded",
    "bill.disputed",
    "bill.dispute_won",
    "trial.ending",
]
"""What events of a payment provider tell of things that are not kept here."""


class PaymentNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A verified report of the payment provider: look at this thing.

    ``event_id``: the same for every delivery of one event. ``type``: the provider's name of what
    happened. ``kind`` and ``object_id``: what to look at; None where the event is of nothing that
    we keep. ``customer_id``: whose, as far as the event says. ``subject_id``: of the very object
    that the event is about (an invoice, a dispute). ``created_at``: Unix seconds.
    """

    event_id: str
    type: str
    created_at: float
    kind: PaidKind | None = None
    object_id: str | None = None
    customer_id: str | None = None
    subject_id: str | None = None
