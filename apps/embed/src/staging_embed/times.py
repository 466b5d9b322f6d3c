"""Times as answers tell them: RFC 3339, UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def rfc3339(seconds: float) -> str:
    """Unix seconds as ``2026-03-01T12:00:00.1234560Z``: with all that a float says of them.

    So a client that reads it back has the very number, and pages begin where they should.
    """
    whole, fraction = f"{seconds:.7f}".split(".")
    return f"{datetime.fromtimestamp(int(whole), UTC):%Y-%m-%dT%H:%M:%S}.{fraction}Z"


def rfc3339_or_none(seconds: float | None) -> str | None:
    """The same, where there may be none."""
    return None if seconds is None else rfc3339(seconds)


def seconds_of(time: str) -> float:
    """Unix seconds of an RFC 3339 time, exactly what ``rfc3339`` was given; ``ValueError``."""
    found = _FORM.fullmatch(time)
    if found is None:
        raise ValueError("This is not an RFC 3339 time.")
    whole = datetime.fromisoformat(found[1] + found[3])
    return whole.timestamp() + float(f"0{found[2] or ''}")
