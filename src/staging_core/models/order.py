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
    """What a billing backend lets the order take; the core's ledger holds it, or asks again.

    ``allowance``, ``credits``, ``overage``: images taken from the plan's allowance, from credits,
    and charged afterwards; together they are the order's images, or all 0 where nothing is counted
    against anything. ``amount_cents``, ``currency``: money for the whole order, later on a bill.
    ``model_cost_usd``: what the model's provider is expected to charge the installation.
    ``plan_code``: the plan it was judged by. ``rule``: the plan rule that applied, in one plain
    phrase.
    """

    allowance: int = 0
    credits: int = 0
    overage: int = 0
    amount_cents: int = 0
    currency: str = "usd"
    model_cost_usd: float = 0.0
    plan_code: str = ""
    rule: str = ""

    @property
    def images(self) -> int:
        """How many images it takes from anything."""
        return self.allowance + self.credits + self.overage
