"""What a user has told of themselves, and what the installation keeps beside it."""

from __future__ import annotations

from typing import Any

import msgspec

from .principal import UserRole


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The user's own page. Times are Unix seconds.

    ``role`` is what the user may do right now, by the issuer's word or by a grant. ``preferences``
    is the client's own: kept, not read.
    """

    id: str
    account_id: str
    role: UserRole
    email: str | None = None
    full_name: str | None = None
    company_name: str | None = None
    phone: str | None = None
    billing_address: dict[str, str] | None = None
    profile_photo_url: str | None = None
    preferences: dict[str, Any] = {}
    stripe_customer_id: str | None = None
    created_at: float
    updated_at: float
