"""The user's own data."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from staging_core.models import Profile, UserRole
from staging_embed.access import member
from staging_embed.call import Call
from staging_embed.routing import Routes
from staging_embed.times import rfc3339

profile = Routes("profile")
_Text = str | None | UnsetType


class ProfileAnswer(Struct, frozen=True, kw_only=True):
    """The user as they described themselves. `preferences` is the client's own."""

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


class ProfileChange(Struct, frozen=True, kw_only=True):
    """What shall change, as a JSON merge patch (RFC 7396): `null` clears, the rest stays."""

    email: _Text = UNSET
    full_name: _Text = UNSET
    company_name: _Text = UNSET
    phone: _Text = UNSET
    billing_address: dict[str, str | None] | UnsetType | None = UNSET
    profile_photo_url: _Text = UNSET
    preferences: dict[str, Any] | UnsetType | None = UNSET


@profile.get("/user/profile", member("profile:read"))
async def get_profile(call: Call) -> ProfileAnswer:
    """The profile of whoever calls."""
    return _answer(await call.me.profile.get())


@profile.patch("/user/profile", member("profile:write"))
async def change_profile(call: Call, body: ProfileChange) -> ProfileAnswer:
    """Change what the body names, and nothing else."""
    named = {name: getattr(body, name) for name in ProfileChange.__struct_fields__}
    changes = {name: value for name, value in named.items() if value is not UNSET}
    return _answer(await call.me.profile.patch(changes))


def _answer(profile: Profile) -> ProfileAnswer:
    values = {name: getattr(profile, name) for name in ProfileAnswer.__struct_fields__}
    times = {name: rfc3339(values[name]) for name in ("created_at", "updated_at")}
    return ProfileAnswer(**{**values, **times})
