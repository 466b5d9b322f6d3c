"""A user as operators see them."""

from __future__ import annotations

import msgspec

from .principal import UserRole


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One person in one account. Times are Unix seconds.

    ``issuer`` and ``subject``: who vouches for them and under which name; None for a user that the
    host or ``local:`` names. ``role``: as granted here, whatever a token says beside it.
    """

    id: str
    account_id: str
    role: UserRole
    issuer: str | None = None
    subject: str | None = None
    email: str | None = None
    full_name: str | None = None
    created_at: float
    last_seen_at: float
