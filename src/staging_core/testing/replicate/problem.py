"""Refusals in the form in which Replicate writes them."""

from __future__ import annotations

from typing import Any

import msgspec

from staging_core.testing.double.message import Answer


def problem(status: int, detail: str, title: str | None = None, **more: Any) -> Answer:
    """A refusal in Replicate's form of problem details."""
    value = {"detail": detail, "status": status, **({"title": title} if title else {}), **more}
    headers = {"content-type": "application/problem+json"}
    return Answer(status=status, body=msgspec.json.encode(value), headers=headers)


def not_found() -> Answer:
    """The answer for what is not there."""
    return problem(404, "The requested resource could not be found.")
