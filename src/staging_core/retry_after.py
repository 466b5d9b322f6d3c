"""How long a ``Retry-After`` asks to wait: written by others, so it may hold anything."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def seconds_of(told: object, *, longest_s: float) -> float | None:
    """Seconds, from a number or a date as RFC 9110 has it, from 0 to ``longest_s``.

    None for anything else; it raises for nothing.
    """
    seconds = _date(told) if (number := _number(told)) is None else number
    if seconds is None or math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), longest_s)


def _number(told: object) -> float | None:
    if not isinstance(told, int | float | str):
        return None
    try:
        return float(told)
    except OverflowError:  # of an int only
        return math.inf if int(told) > 0 else 0.0
    except ValueError:
        return None


def _date(told: object) -> float | None:
    if not isinstance(told, str):
        return None
    try:
        at = parsedate_to_datetime(told)
    except Exception:  # not ValueError only: a year of twenty digits overflows
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (at - datetime.now(UTC)).total_seconds()
