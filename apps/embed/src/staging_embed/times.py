"""Times as answers tell them: RFC 3339, UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(seconds: float) -> str:
    """Unix seconds as ``2026-03-01T12:00:00.123456Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def rfc3339_or_none(seconds: float | None) -> str | None:
    """The same, where there may be none."""
    return None if seconds is None else rfc3339(seconds)
