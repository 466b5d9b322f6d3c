"""Billing whose credits a service outside keeps. The backend is imported when it is used."""

from __future__ import annotations

from collections.abc import Iterable

from staging_core.hookspecs import hookimpl
from staging_core.models import Provider


@hookimpl
def staging_billings() -> Iterable[Provider]:
    """The billing of ``credits:``."""
    return [
        Provider(
            scheme="credits",
            opens="staging_credits.billing:open_credits",
            summary="Credits that a service outside keeps.",
            requires_env=("CREDITS_TOKEN",),
        )
    ]
