"""When a period ends: months have different lengths, and the 31st comes back."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

from .store import Object

_SECONDS = {"day": 86400, "week": 7 * 86400}


def later(anchor: int, interval: str, count: int) -> int:
    """So many intervals after ``anchor``; a day that a month has not is its last one."""
    if interval in _SECONDS:
        return anchor + count * _SECONDS[interval]
    start = datetime.fromtimestamp(anchor, UTC)
    months = start.month - 1 + count * (12 if interval == "year" else 1)
    year, month = start.year + months // 12, months % 12 + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())


def period(anchor: int, recurring: Object, at: int) -> tuple[int, int]:
    """Start and end of the period that ``at`` is in; periods begin at ``anchor`` and repeat."""
    number = 0
    interval, count = recurring["interval"], recurring["interval_count"]
    while later(anchor, interval, (number + 1) * count) <= at:
        number += 1
    while later(anchor, interval, number * count) > at:
        number -= 1
    return (
        later(anchor, interval, number * count),
        later(anchor, interval, (number + 1) * count),
    )
