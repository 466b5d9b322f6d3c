"""Times as answers tell them: RFC 3339, UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(seconds: float) -> str:
    """Unix seconds as ``2026-03-01T12:00:00.1234560Z``: with all that a float says of them.

    So a client that reads it back has the very number, and pages begin where they should.
    """
    whole, fraction = f"{seconds:.7f}".split(".")
    return f"{datetime.fromtimestamp(int(whole), UTC):%Y-%m-%dT%H:%M:%S}.{fraction}Z"


def rfc3339_or_none(seconds: float | None) -> str | None:
    """The same, where there may be none."""
    return None if seconds is None else rfc3339(seconds)
