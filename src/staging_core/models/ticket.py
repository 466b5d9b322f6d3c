"""Tickets: for what cannot send a header, such as a browser's event stream."""

from __future__ import annotations

import msgspec


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Opens one event stream, once. ``expires_at``: Unix seconds. ``repr`` hides the token."""

    token: str
    expires_at: float

    def __repr__(self) -> str:
        return f"Ticket(token='***', expires_at={self.expires_at!r})"
