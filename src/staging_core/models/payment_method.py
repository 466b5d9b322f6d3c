"""Ways to pay, as far as they may be shown."""

from __future__ import annotations

import msgspec


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card. ``exp_month`` 1..12, ``exp_year`` with its century."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int


class PaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    """One way to pay; ``card`` where ``type`` is ``card``. The default one pays what is next."""

    id: str
    type: str
    card: Card | None = None
    is_default: bool = False
