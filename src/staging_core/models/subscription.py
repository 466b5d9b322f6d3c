"""A plan that an account has for a while."""

from __future__ import annotations

from typing import Literal

import msgspec

SubscriptionStatus = Literal[
    "incomplete",
    "incomplete_expired",
    "trialing",
    "active",
    "past_due",
    "canceled",
    "unpaid",
    "paused",
]
"""As Stripe names them; a plan that an operator gave is ``active``, then ``canceled``."""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """``plan_code``: of the plan; ``source``: who sold it (``operator``: nobody, it was given).

    Times are Unix seconds. Without a period it goes by calendar months. ``cancel_at``: when it
    ends, if that is settled; ``canceled_at``: when that was asked for.
    """

    id: str
    account_id: str
    plan_code: str
    source: str
    status: SubscriptionStatus
    created_at: float
    price_id: str | None = None
    period_start: float | None = None
    period_end: float | None = None
    cancel_at: float | None = None
    canceled_at: float | None = None
