"""The acting user's own profile, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from staging_core.models import Principal, Profile, UserRole
from staging_core.profile_change import changed

from .told import seconds
from .wire import Wire


class ProfileTold(msgspec.Struct, frozen=True, kw_only=True):
    """A profile."""

    id: str
    role: UserRole
    email: str | None
    full_name: str | None
    company_name: str | None
    phone: str | None
    billing_address: dict[str, str] | None
    profile_photo_url: str | None
    preferences: dict[str, Any]
    stripe_customer_id: str | None
    created_at: str
    updated_at: str

    def profile(self, who: Principal) -> Profile:
        """As the library says it."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        times = {name: seconds(values[name]) for name in ("created_at", "updated_at")}
        return Profile(account_id=who.account_id, **{**values, **times})


class RemoteProfile:
    """As ``OwnProfile``."""

    def __init__(self, wire: Wire, principal: Principal) -> None:
        self._wire = wire
        self._principal = principal

    async def get(self) -> Profile:
        """See ``OwnProfile.get``."""
        return (await self._wire.get(ProfileTold, "/user/profile")).profile(self._principal)

    async def patch(self, changes: Mapping[str, Any]) -> Profile:
        """See ``OwnProfile.patch``."""
        changed({}, changes)  # the API leaves what it does not know, for older clients
        told = await self._wire.send(ProfileTold, "PATCH", "/user/profile", dict(changes))
        return told.profile(self._principal)
