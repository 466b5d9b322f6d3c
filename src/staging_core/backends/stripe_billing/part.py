"""What the parts of the backend have in common."""

from __future__ import annotations

from .line import Line

# What we write into Stripe's objects, to know them again.
ACCOUNT, PURCHASE, PRICE = "staging_account", "staging_purchase", "staging_price"
# Of a customer: what it was told last of who it is.
FACE = "staging_face"
# Of a subscription: what a period was paid for, and in which period that was, by its start.
PAID, PAID_FROM = "staging_paid_price", "staging_paid_from"


class Part:
    """``line``: to Stripe. ``tax``: whether Stripe works out and adds the tax."""

    def __init__(self, line: Line, *, tax: bool) -> None:
        self._line, self._v1, self._tax = line, line.v1, tax
