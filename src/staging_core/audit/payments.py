"""I9: what was paid is had once, what is had is paid, and what is charged afterwards is told."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import tables
from staging_core.database.subscriptions import GIVE, OPERATOR
from staging_core.database.tables.billing import OVERAGE_HAD

from .rule import Now, Rule

ledger, subscriptions, metering = tables.ledger, tables.subscriptions, tables.metering
objects, customers = tables.payment_objects, tables.customers

_DAY_S = 86_400.0


def granted_twice(settings: Settings, now: Now) -> sa.Select[Any]:
    """Purchases that more than one account has the credits of."""
    return (
        sa.select(ledger.c.id)
        .where(ledger.c.kind == "grant", ledger.c.id.like("purchase-%"))
        .group_by(ledger.c.id)
        .having(sa.func.count() > 1)
    )


def never_granted(settings: Settings, now: Now) -> sa.Select[Any]:
    """Paid purchases of our customers, told of a day ago, whose credits nobody has.

    A bill's payment that went back is told of as well: the provider knows no purchase of it.
    """
    granted = sa.exists().where(ledger.c.id == sa.literal("purchase-").concat(objects.c.object_id))
    paid = objects.c.state[("paid", "paid")].as_boolean()
    missing = sa.func.coalesce(objects.c.state["missing"].as_boolean(), sa.false())
    return (
        sa.select(objects.c.object_id)
        .join(
            customers,
            (customers.c.source == objects.c.source)
            & (customers.c.customer_id == objects.c.customer_id),
        )
        .where(
            objects.c.kind == "purchase",
            objects.c.created_at < now - _DAY_S,
            sa.func.coalesce(paid, ~missing),
            ~granted,
        )
    )


def of_an_unknown_plan(settings: Settings, now: Now) -> sa.Select[Any]:
    """Subscriptions that are paid and give nothing: their price is of no plan here."""
    return sa.select(subscriptions.c.id).where(
        *_sold(), subscriptions.c.plan.not_in(sorted(settings.plans))
    )


def paid_twice(settings: Settings, now: Now) -> sa.Select[Any]:
    """Accounts that pay for two plans at once."""
    return (
        sa.select(subscriptions.c.account_id)
        .where(*_sold())
        .group_by(subscriptions.c.account_id)
        .having(sa.func.count() > 1)
    )


def pays_though_deleted(settings: Settings, now: Now) -> sa.Select[Any]:
    """Accounts that were deleted a day ago, and whose payments could not be ended."""
    accounts = tables.accounts
    return (
        sa.select(customers.c.account_id)
        .join(accounts, accounts.c.id == customers.c.account_id)
        .where(customers.c.customer_id.is_not(None), accounts.c.closing_at < now - _DAY_S)
    )


def untold(settings: Settings, now: Now) -> sa.Select[Any]:
    """Accounts of whose overage the provider was not told for a day."""
    return (
        sa.select(metering.c.account_id)
        .where(metering.c.told_at.is_(None), metering.c.minute * 60 < now - _DAY_S)
        .group_by(metering.c.account_id)
    )


def unwritten(settings: Settings, now: Now) -> sa.Select[Any]:
    """Accounts that had more beyond their plan, a day ago, than is to be told."""
    meant = (
        sa.select(sa.func.coalesce(sa.func.sum(metering.c.images), 0))
        .where(
            metering.c.account_id == ledger.c.account_id,
            metering.c.source == customers.c.source,
        )
        .correlate(ledger, customers)
        .scalar_subquery()
    )
    return (
        sa.select(ledger.c.account_id)
        .join(customers, customers.c.account_id == ledger.c.account_id)
        .where(
            sa.text(OVERAGE_HAD),
            customers.c.customer_id.is_not(None),
            ledger.c.at >= customers.c.created_at,
            ledger.c.at < now - _DAY_S,
        )
        .group_by(ledger.c.account_id, customers.c.source)
        .having(sa.func.count() > meant)
    )


def _sold() -> tuple[sa.ColumnElement[bool], ...]:
    return (subscriptions.c.source != OPERATOR, subscriptions.c.status.in_(GIVE))


RULES = (
    Rule("I9", "A purchase's credits were given to two accounts.", granted_twice),
    Rule("I9", "A paid purchase's credits were never given.", never_granted),
    Rule("I9", "A subscription is paid and of no plan that is known here.", of_an_unknown_plan),
    Rule("I9", "An account has two subscriptions that are paid.", paid_twice),
    Rule("I9", "A deleted account still pays.", pays_though_deleted),
    Rule("I9", "Overage was not told to the payment provider.", untold),
    Rule("I9", "Overage is not written down to be told.", unwritten),
)
