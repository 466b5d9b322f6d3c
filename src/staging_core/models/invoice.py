"""Bills."""

from __future__ import annotations

from typing import Literal

import msgspec

InvoiceStatus = Literal["draft", "open", "paid", "uncollectible", "void"]


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """A bill of the payment provider. Times are in Unix seconds.

    Money is in the smallest unit of ``currency``. ``hosted_url``: its page, ``pdf_url``: its paper;
    both are the provider's, and open for whoever has them. ``number``: once it is finalized.
    """

    id: str
    status: InvoiceStatus
    amount_due: int
    amount_paid: int
    currency: str
    created_at: float
    subscription_id: str | None = None
    number: str | None = None
    hosted_url: str | None = None
    pdf_url: str | None = None
