"""What was begun and not paid, and is not wanted any more."""

from __future__ import annotations

from staging_core.errors import PaymentRefused
from staging_core.models import PaidSubscription

from .endings import Endings
from .refusal import is_missing
from .seen import Bill, Named, Subscribed
from .subscriptions import Subscriptions, paid_subscription


class Withdrawals(Endings, Subscriptions):
    """Pages are closed first, so that nothing begins on them meanwhile."""

    async def withdraw(self, customer_id: str, purchase_id: str) -> PaidSubscription | None:
        """By its bill, which nobody has paid when it can be voided; a cancelling asks nobody."""
        try:
            await self._close_pages(customer_id, purchase_id)
        except PaymentRefused as error:
            if not is_missing(error.__cause__):
                raise
        one = await self._of_purchase(customer_id, purchase_id)
        if one is not None and one.status == "incomplete":
            await self._void(one)
            one = await self._of_purchase(customer_id, purchase_id)
        return None if one is None else paid_subscription(one)

    async def _void(self, one: Subscribed) -> None:
        bill = one.latest_invoice
        if not isinstance(bill, Bill) or bill.status != "open":
            return
        try:
            await self._line.ask(self._v1.invoices.void_invoice_async(bill.id), Named)
        except PaymentRefused:
            # Who was faster has paid, or is just paying.
            now = await self._line.ask(self._v1.invoices.retrieve_async(bill.id), Named)
            if now.status == "open":
                raise
