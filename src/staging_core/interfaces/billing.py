"""Billing backends decide what an order costs; the core's ledger books it."""

from __future__ import annotations

from typing import Protocol

from staging_core.models import Order, Quote


class Billing(Protocol):
    """Prices orders."""

    async def quote(self, order: Order) -> Quote:
        """What the order would cost; ``UsageLimitExceeded`` when the account may not have it.

        Has no effect: quoting twice costs nothing and answers the same while nothing changed.
        """
        ...
