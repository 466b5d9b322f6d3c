"""How a double is set up; all of it can be left as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

KEY = "sk_test_double_of_stripe"
DAY_S = 86400


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """``keys``: secret keys that are let in. ``seed``: ids and chances follow from it.

    ``time_factor``: the double's seconds in a real one. ``retries_days``: how long after a failed
    renewal each next attempt is, in days. ``after_retries``: what becomes of the subscription when
    all have failed; ``uncollectible``: its bill is written off, and it goes on. ``log``: a file
    that the truth is appended to.
    """

    keys: tuple[str, ...] = (KEY,)
    seed: int = 0
    time_factor: float = 1.0
    retries_days: tuple[int, ...] = (3, 5, 7)
    after_retries: Literal["cancel", "unpaid", "past_due", "uncollectible"] = "cancel"
    log: Path | None = None
