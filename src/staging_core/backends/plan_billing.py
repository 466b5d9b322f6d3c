"""``plans:`` holds accounts to their plan: its allowance first, then credits, then overage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from staging_core.errors import SettingError, UsageLimitExceeded
from staging_core.interfaces import BillingContext, Standings
from staging_core.models import Order, Quote, Standing
from staging_core.urls import BackendURL


class PlanBilling:
    """Implements ``Billing`` and ``KeepsPlans``; who pays for a plan is not its affair."""

    def __init__(self, standings: Standings) -> None:
        self._standings = standings

    async def standing(self, account_id: str) -> Standing:
        """As the installation's ledger has it."""
        return await self._standings.of(account_id)

    async def quote(self, order: Order) -> Quote:
        """What ends soonest is taken first, and what costs most last."""
        return quote_of(await self._standings.of(order.account_id), order)


def quote_of(standing: Standing, order: Order) -> Quote:
    """The order by that standing; ``UsageLimitExceeded`` says how many images are left."""
    allowance = min(order.images, standing.allowance)
    credits = min(order.images - allowance, standing.credits)
    overage = order.images - allowance - credits
    if overage > standing.overage:
        raise UsageLimitExceeded(_too_many(standing, order))
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


def _too_many(standing: Standing, order: Order) -> str:
    left = standing.allowance + standing.credits + standing.overage
    plan = standing.plan.name or standing.plan_code
    return (
        f"The plan {plan} has {left} image{'s' * (left != 1)} left in this period, "
        f"not {order.images}."
    )


@asynccontextmanager
async def open_plan_billing(url: BackendURL, context: BillingContext) -> AsyncIterator[PlanBilling]:
    """Open ``plans:``; ``SettingError`` when the URL says more than that."""
    if url.path or url.options:
        raise SettingError(f"{url}: billing by plans takes no path and no options.")
    yield PlanBilling(context.standings)
