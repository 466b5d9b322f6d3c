"""The backend: plans by the installation's ledger, payment by Stripe."""

from __future__ import annotations

from staging_core.interfaces import Standings
from staging_core.models import Order, Quote, Standing, quote_of

from .bills import Bills
from .catalogue import Catalogue
from .checkouts import Checkouts
from .faces import Faces
from .line import Line
from .methods import Methods
from .overage import Overage
from .reports import Reports
from .withdrawals import Withdrawals


class StripeBilling(Bills, Catalogue, Checkouts, Withdrawals, Faces, Methods, Overage, Reports):
    """Implements ``Billing`` and ``KeepsPlans`` as ``plans:`` does, and all of the payments.

    It keeps nothing: what a call began is found again at Stripe.
    """

    source = "stripe"

    def __init__(
        self,
        line: Line,
        *,
        tax: bool,
        secrets: tuple[str, ...],
        live: bool,
        standings: Standings,
    ) -> None:
        super().__init__(line, tax=tax, secrets=secrets, live=live)
        self._standings = standings

    async def standing(self, account_id: str) -> Standing:
        """As the installation's ledger has it."""
        return await self._standings.of(account_id)

    async def quote(self, order: Order) -> Quote:
        """By the plan that the ledger knows; Stripe is not asked."""
        return quote_of(await self._standings.of(order.account_id), order)
