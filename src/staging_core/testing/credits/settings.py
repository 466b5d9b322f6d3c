"""How a double is set up; all of it can be left as it is."""

from __future__ import annotations

from pathlib import Path

import msgspec

TOKEN = "ct_double_of_a_credit_service"  # noqa: S105 - it opens nothing


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """``token``: the one that is let in. ``credits``: what an account has at first.

    ``seed``: chances follow from it. ``log``: a file that the truth is appended to.
    """

    token: str = TOKEN
    credits: int = 100
    seed: int = 0
    log: Path | None = None
