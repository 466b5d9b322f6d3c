"""What the ledger tells."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .place import Place

EntryKind = Literal["grant", "reserve", "capture", "release", "expire", "refund", "adjust"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """``images`` go from one book of a balance to another, at ``at`` (Unix seconds).

    ``balance``: ``credits``, or a period's ``allowance/2026-01``, ``overage/2026-01``, or
    ``free-overage/2026-01`` where a plan charges nothing for it. Books are ``available`` and
    ``reserved``, which are the account's; ``captured``, what became a picture; and ``granted``,
    ``expired``, ``refunded`` and ``adjusted``, the outside.
    """

    account_id: str
    id: str
    balance: str
    kind: EntryKind
    from_book: str
    to_book: str
    images: int
    at: float
    job_id: str | None = None
    note: dict[str, Any] | None = None

    @property
    def place(self) -> Place:
        """Where the page after it begins."""
        return Place(self.at, self.id)
