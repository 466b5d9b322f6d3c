"""``plans:`` holds accounts to their plan: its allowance first, then credits, then overage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from staging_core.errors import SettingError
from staging_core.interfaces import BillingContext, Standings
from staging_core.models import Order, Quote, Standing, quote_of
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


@asynccontextmanager
async def open_plan_billing(url: BackendURL, context: BillingContext) -> AsyncIterator[PlanBilling]:
    """Open ``plans:``; ``SettingError`` when the URL says more than that."""
    if url.path or url.options:
        raise SettingError(f"{url}: billing by plans takes no path and no options.")
    yield PlanBilling(context.standings)
