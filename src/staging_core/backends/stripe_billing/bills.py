"""Bills, as Stripe writes them."""

from __future__ import annotations

from contextlib import aclosing

from staging_core.models import Invoice

from .part import Part
from .seen import Bill


class Bills(Part):
    """Those of a customer."""

    async def invoices(self, customer_id: str, *, limit: int, offset: int) -> list[Invoice]:
        """Stripe's list is read from its beginning, as it counts from none but a bill."""
        found: list[Invoice] = []
        params = {"customer": customer_id}
        async with aclosing(self._line.each(self._v1.invoices.list_async, params, Bill)) as bills:
            async for bill in bills:
                if len(found) >= offset + limit:
                    break
                if bill.status not in (None, "draft"):
                    found.append(_invoice(bill))
        return found[offset:]


def _invoice(bill: Bill) -> Invoice:
    return Invoice(
        id=bill.id,
        status=bill.status or "draft",
        amount_due=bill.amount_due,
        amount_paid=bill.amount_paid,
        currency=bill.currency,
        created_at=bill.created,
        subscription_id=bill.subscription_id,
        number=bill.number,
        hosted_url=bill.hosted_invoice_url,
        pdf_url=bill.invoice_pdf,
    )
