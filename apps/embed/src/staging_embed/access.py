"""Who may call a route. Every route says it; one that does not cannot be made."""

from __future__ import annotations

from typing import Literal

import msgspec

Who = Literal["anyone", "member", "admin", "operator"]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Who may call: anyone, a member or an admin of an account, an operator of the installation.

    ``scope``: what a key must be allowed besides, such as ``images:write``. ``why``: for routes
    that anyone may call, what protects them instead.
    """

    who: Who
    scope: str = ""
    why: str = ""


def anyone(why: str) -> Access:
    """Nobody signs in here; ``why`` says what holds instead."""
    return Access(who="anyone", why=why)


def member(scope: str) -> Access:
    """Whoever acts in an account, and has the scope."""
    return Access(who="member", scope=scope)


def admin(scope: str) -> Access:
    """Admins of the account, with the scope."""
    return Access(who="admin", scope=scope)


def operator(scope: str) -> Access:
    """Operators of the installation, with the scope."""
    return Access(who="operator", scope=scope)
