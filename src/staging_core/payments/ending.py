"""Ending what accounts that are being deleted pay for, before their rows go.

That the account is closed and has a customer stands in the database before the provider is asked;
that nothing is paid any more is that the account has no customer any more. In between the provider
may be asked as often as somebody crashes: doing it twice is doing it once.
"""

from __future__ import annotations

import logging
import time

from staging_core.database import accounts, customers, paid_plans, payment_objects
from staging_core.database.engine import Transaction
from staging_core.database.row import Row
from staging_core.errors import Busy, PaymentRefused, PaymentsUnavailable
from staging_core.interfaces import EndsPayments, TakesPayments, supports
from staging_core.ports import Ports

from .metering import MARGIN_S

log = logging.getLogger("staging_core")

WAIT_S = 2 * MARGIN_S
"""By then what the account had beyond its plan was told, and calls under way have ended."""

_AT_ONCE = 200
_LONGEST_S = 600.0


class Ending:
    """What one process does about them."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._rests_until = 0.0
        self._failures = 0

    async def end(self) -> int:
        """End what some pay for; of how many. While the provider is away it rests."""
        if time.monotonic() < self._rests_until:
            return 0
        ended = 0
        try:
            for row in await self._closing():
                ended += await self._end(row)
        except (Busy, PaymentsUnavailable) as away:
            self._failures += 1
            self._rests_until = time.monotonic() + min(2.0**self._failures, _LONGEST_S)
            log.warning("what deleted accounts pay for has not ended yet: %s", away)
        else:
            self._failures = 0
        return ended

    async def _closing(self) -> list[Row]:
        async with self._ports.database.read() as tx:
            return await customers.of_closed(tx, before=tx.now - WAIT_S, limit=_AT_ONCE)

    async def _end(self, row: Row) -> bool:
        """Whether the account pays nothing any more."""
        takes = supports(self._ports.billing, TakesPayments)
        ends = supports(self._ports.billing, EndsPayments)
        if ends is not None and takes is not None and takes.source == row["source"]:
            try:
                await ends.end_payments(row["customer_id"])
            except PaymentRefused as refused:
                log.error("payments of account %s do not end: %s", row["account_id"], refused)
                return False  # this one's trouble holds up no other's end; the audit tells of it
        elif await self._pays(row):
            return False  # somebody ends it at the provider, or it is not deleted; the audit tells
        await self._has_ended(row)
        return True

    async def _pays(self, row: Row) -> bool:
        async with self._ports.database.read(row["account_id"]) as tx:
            return await paid_plans.find(tx, row["account_id"], row["source"]) is not None

    async def _has_ended(self, row: Row) -> None:
        """Things of a provider are no account's, so that the engine's own transaction writes."""

        async def write(tx: Transaction) -> None:
            await payment_objects.forget_owner(tx, row["source"], row["customer_id"])
            await accounts.hold(tx, row["account_id"])
            await customers.unlink(tx, row["source"], row["customer_id"])

        await self._ports.database.transact(None, write)
