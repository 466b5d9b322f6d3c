"""What plugins are told when a payment provider says that something has become otherwise.

From two looks at one thing, so that it is told once however often events come, and also when none
came; and from the events of what nobody keeps here, a bill for one.
"""

from __future__ import annotations

from typing import Any

from staging_core.database.row import Row
from staging_core.database.subscriptions import GIVE
from staging_core.interfaces import NamesEvents
from staging_core.models import Paid, PaidCustomer, PaidPurchase, PaidSubscription

_MONEY_BACK = ("bill.refunded", "bill.disputed", "bill.dispute_won")

News = tuple[str, dict[str, Any]]
"""A type of ``BillingEvent``, and what it says."""


def of_subscription(
    before: dict[str, Any], paid: PaidSubscription, *, was: str | None, plan: str | None
) -> list[News]:
    """``before``: as the provider said last, {} at first. ``was``, ``plan``: codes, then and now.

    Nothing of plans that are unknown here.
    """
    gave, gives = before.get("status") in GIVE, paid.status in GIVE
    says = {"plan": plan, "subscription": paid.id}
    if gave and not gives:
        return [("plan.ended", {**says, "plan": was or plan})] if was or plan else []
    if plan is None or not gives:
        return []
    if not gave:
        return [("plan.began", {**says, "status": paid.status, "trial_end": paid.trial_end})]
    news: list[News] = []
    if was != plan:
        news.append(("plan.changed", {**says, "was": was}))
    if before.get("cancel_at") is None and paid.cancel_at is not None:
        news.append(("plan.ending", {**says, "ends_at": paid.cancel_at}))
    if before.get("cancel_at") is not None and paid.cancel_at is None:
        news.append(("plan.resumed", says))
    return news


def of_customer(before: dict[str, Any], paid: PaidCustomer) -> list[News]:
    """What it is entitled to, in no order."""
    was, now = sorted(before.get("features", ())), sorted(paid.features)
    return [] if was == now else [("features.changed", {"features": now, "was": was})]


def of_purchase(before: dict[str, Any], paid: PaidPurchase) -> list[News]:
    """Money that went back, and what a bank says of it. Credits are told of by the ledger."""
    says = {"purchase": paid.id, "amount_cents": paid.amount_cents, "currency": paid.currency}
    news: list[News] = []
    refunded = paid.refunded_cents - before.get("refunded_cents", 0)
    if refunded > 0:
        news.append(("purchase.refunded", {**says, "refunded_cents": refunded}))
    if paid.disputed and not before.get("disputed"):
        news.append(("purchase.disputed", says))
    if before.get("disputed") and not paid.disputed:
        news.append(("purchase.dispute_won", says))
    return news


def of_event(names: NamesEvents, event: Row, paid: Paid | None) -> News | None:
    """What one event tells. A pack's money that goes back is told of by the pack itself."""
    type = names.news_of(event["type"])
    if type is None or (type in _MONEY_BACK and paid is not None):
        return None
    if not isinstance(paid, PaidSubscription):
        return type, {"subject": event["subject_id"]}
    if type == "trial.ending":
        return type, {"subscription": paid.id, "trial_end": paid.trial_end}
    return type, {"subject": event["subject_id"], "subscription": paid.id}
