"""What a payment provider reports on its own: verified, kept once, and answered at once.

Nothing of a report is believed but which thing it is about; ``Following`` looks at that afterwards.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from staging_core.database import payment_events, payment_objects
from staging_core.database.engine import Transaction
from staging_core.errors import InvalidCallback, StagingError
from staging_core.models import Callback, PaymentNotice
from staging_core.ports import Ports

from .provider import needed

MAX_BYTES = 1_048_576
"""A larger body is no report; nobody looks into it."""

Received = Literal["received", "duplicate"]
_KINDS = ("customer", "subscription", "purchase")


class Reports:
    """Takes reports. ``turned_away`` counts, by error code, those that left no trace."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.turned_away: Counter[str] = Counter()

    async def receive(self, callback: Callback) -> Received:
        """See ``Staging.receive_payment``."""
        provider = needed(self.ports)
        try:
            if len(callback.body) > MAX_BYTES:
                raise InvalidCallback(f"The body has more than {MAX_BYTES} bytes.")
            notice = checked(await provider.reports.receive(callback))
            new = await self._kept(provider.source, notice)
        except StagingError as error:
            self.turned_away[error.code] += 1
            self.ports.telemetry.count("staging.payment_reports", outcome=error.code)
            raise
        outcome = "new" if new else "duplicate"
        self.ports.telemetry.count("staging.payment_reports", outcome=outcome)
        return "received" if new else "duplicate"

    async def _kept(self, source: str, notice: PaymentNotice) -> bool:
        async def keep(tx: Transaction) -> bool:
            return await keep_notice(tx, source, notice)

        return await self.ports.database.transact(None, keep)


async def keep_notice(tx: Transaction, source: str, notice: PaymentNotice) -> bool:
    """Keep the event, and mark what it is about; False when it was here before."""
    if not await payment_events.add(tx, source, notice):
        return False
    if notice.kind is not None and notice.object_id is not None:
        await payment_objects.mark(tx, source, notice.kind, notice.object_id, customer_of(notice))
    return True


def customer_of(notice: PaymentNotice) -> str | None:
    """Whose thing it is; a customer is its own."""
    return notice.object_id if notice.kind == "customer" else notice.customer_id


def checked(notice: PaymentNotice) -> PaymentNotice:
    """The notice itself; ``InvalidCallback`` for one that no table has room for."""
    names = [notice.object_id, notice.customer_id, notice.subject_id]
    fits = (
        1 <= len(notice.event_id) <= 255
        and len(notice.type) <= 100
        and all(name is None or 1 <= len(name) <= 255 for name in names)
        and (notice.kind is None) == (notice.object_id is None)
        and notice.kind in (None, *_KINDS)
    )
    if not fits:
        raise InvalidCallback("The event's id, its type or an id in it is out of bounds.")
    return notice
