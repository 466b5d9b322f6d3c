"""Who calls."""

from __future__ import annotations

from msgspec import Struct

from staging_core.models import UserRole
from staging_embed.access import member
from staging_embed.call import Call
from staging_embed.routing import Routes

me = Routes("me")


class Me(Struct, frozen=True, kw_only=True):
    """Whom the installation sees in this request's credentials.

    `scopes`: what they are held to; empty: to nothing but the role.
    """

    account_id: str
    user_id: str
    role: UserRole
    scopes: list[str]


@me.get("/me", member(""))
async def get_me(call: Call) -> Me:
    """Who calls, and in which account."""
    who = call.principal
    return Me(
        account_id=who.account_id, user_id=who.user_id, role=who.role, scopes=sorted(who.scopes)
    )
