"""How an order goes beyond what its account may have, and what would help."""

from __future__ import annotations

import msgspec


class Shortfall(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was refused, in images.

    ``asked``: how many it would take; ``left``: how many the plan ``plan_code`` and the credits
    still have; ``missing_credits``: how many credits more would do. ``period_end`` (Unix seconds):
    when the allowance is given anew. ``larger_plans``: codes of plans that have more, the smallest
    first.
    """

    plan_code: str
    asked: int
    left: int
    missing_credits: int
    period_end: float
    larger_plans: tuple[str, ...] = ()
