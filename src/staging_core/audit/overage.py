"""I9: what was had beyond a plan is charged by somebody."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.config import Settings
from staging_core.database import tables
from staging_core.database.subscriptions import GIVE
from staging_core.database.tables.billing import OVERAGE_HAD

from .rule import Now, Rule

ledger, subscriptions, customers = tables.ledger, tables.subscriptions, tables.customers

_TAKEN_S = 30 * 86_400.0  # what is older no provider takes


def uncharged(settings: Settings, now: Now) -> sa.Select[Any]:
    """Accounts that had more than their plan lately, while no subscription charged for that.

    Not what was had before anybody paid through a provider here.
    """
    of_plan = subscriptions.c.account_id == ledger.c.account_id
    still = subscriptions.c.overage_price_id.is_not(None) & subscriptions.c.status.in_(GIVE)
    charged = sa.exists().where(
        of_plan,
        subscriptions.c.created_at <= ledger.c.at,
        sa.or_(still, subscriptions.c.metered_at >= ledger.c.at),
    )
    begun = sa.select(sa.func.min(customers.c.created_at)).scalar_subquery()
    costs = any(plan.charges_overage for plan in settings.plans.values())
    return (
        sa.select(ledger.c.account_id)
        .where(
            sa.literal(costs),
            sa.text(OVERAGE_HAD),
            ledger.c.at >= now - _TAKEN_S,
            ledger.c.at >= begun,
            ~charged,
        )
        .group_by(ledger.c.account_id)
    )


RULES = (Rule("I9", "Overage was had that nobody is charged for.", uncharged),)
"""Where a payment provider charges what is beyond a plan; elsewhere nobody here knows."""
