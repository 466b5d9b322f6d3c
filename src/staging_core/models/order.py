"""What an order would cost."""

from __future__ import annotations

import msgspec


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """``images`` outputs of one model for one account; ``model_cost_usd`` is for all of them."""

    account_id: str
    images: int
    model: str
    model_cost_usd: float = 0.0


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What a billing backend asks for it.

    ``credits``: taken per image. ``amount_cents``, ``currency``: money for the whole order.
    ``rule``: the plan rule that applied, in one plain phrase.
    """

    credits: int = 0
    amount_cents: int = 0
    currency: str = "usd"
    rule: str = ""
