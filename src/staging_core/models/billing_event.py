"""What happened to what an account has and pays."""

from __future__ import annotations

from typing import Any

import msgspec


class BillingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One row of an account's billing events.

    ``position`` grows by one within the account; ``id`` is the event's own, the same each time it
    is shown. ``type``: a noun and what became of it (``credits.granted``); new ones may come.
    ``data``: what the type says, as JSON. ``at``: Unix seconds.
    """

    position: int
    id: str
    account_id: str
    type: str
    at: float
    data: dict[str, Any] = {}
