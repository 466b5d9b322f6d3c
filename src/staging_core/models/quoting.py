"""What an order takes where plans hold: the rule that every billing backend by plans follows."""

from __future__ import annotations

from staging_core.errors import Shortfall, UsageLimitExceeded

from .order import Order, Quote
from .standing import Standing


def quote_of(standing: Standing, order: Order) -> Quote:
    """The order by that standing: what ends soonest is taken first, and what costs most last.

    ``UsageLimitExceeded`` says how many images are left, and what would help.
    """
    allowance = min(order.images, standing.allowance)
    credits = min(order.images - allowance, standing.credits)
    overage = order.images - allowance - credits
    if overage > standing.overage:
        raise _too_many(standing, order)
    return Quote(
        allowance=allowance,
        credits=credits,
        overage=overage,
        amount_cents=overage * standing.plan.overage_cents,
        currency=standing.plan.currency,
        model_cost_usd=order.model_cost_usd,
        plan_code=standing.plan_code,
        rule=_rule(standing, allowance, credits, overage),
    )


def _rule(standing: Standing, allowance: int, credits: int, overage: int) -> str:
    plan = standing.plan.name or standing.plan_code
    takes = [
        f"{allowance} of the plan {plan}" if allowance else "",
        f"{credits} of credits" if credits else "",
        f"{overage} beyond the plan {plan}, charged afterwards" if overage else "",
    ]
    return ", ".join(filter(None, takes))


def _too_many(standing: Standing, order: Order) -> UsageLimitExceeded:
    left = standing.allowance + standing.credits + standing.overage
    plan = standing.plan.name or standing.plan_code
    shortfall = Shortfall(
        plan_code=standing.plan_code,
        asked=order.images,
        left=left,
        missing_credits=order.images - left,
        period_end=standing.period.end,
        larger_plans=standing.larger_plans,
    )
    return UsageLimitExceeded(
        f"The plan {plan} has {left} image{'s' * (left != 1)} left in this period, "
        f"not {order.images}.",
        remedy=_remedy(shortfall),
        shortfall=shortfall,
    )


def _remedy(shortfall: Shortfall) -> str:
    missing, plans = shortfall.missing_credits, shortfall.larger_plans
    ways = [
        "wait for the next period",
        f"have {missing} more credit{'s' * (missing != 1)}",
        *([f"choose a larger plan: {', '.join(plans)}"] if plans else []),
    ]
    return f"{', or '.join(ways).capitalize()}."
