"""The server's clock, which a test can move."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from .refusal import S3Refusal

SKEW = timedelta(minutes=15)


class ServerClock:
    """Real time, plus what a test has moved it by (seconds, back when negative)."""

    def __init__(self) -> None:
        self.moved_s = 0.0

    def now(self) -> datetime:
        """The time, with its zone."""
        return datetime.fromtimestamp(time.time() + self.moved_s, UTC)

    def move(self, seconds: float) -> None:
        """Move on, or back."""
        self.moved_s += seconds


def moment(text: str) -> datetime:
    """``20250101T120000Z``."""
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise S3Refusal("AccessDenied", f"{text!r} is not a date.") from error
