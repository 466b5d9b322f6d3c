"""What a rate limit says of one use."""

from __future__ import annotations

import msgspec


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one use may be. ``remaining``: how many more; ``reset_s``: seconds until all may."""

    allowed: bool
    remaining: int
    reset_s: float
