"""What an account has used."""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Images that became ready from ``period_start`` up to ``period_end`` (Unix seconds).

    A period is a calendar month in UTC. What is deleted stays counted.
    """

    used: int
    period_start: float
    period_end: float
