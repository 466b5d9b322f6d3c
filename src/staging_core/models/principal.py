"""Who acts, and what they showed to prove it."""

from __future__ import annotations

import msgspec


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """One user acting in one account. The account is the tenant: nothing crosses it."""

    account_id: str
    user_id: str = "owner"
    scopes: frozenset[str] = frozenset()


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a request carried. ``repr`` shows no secret.

    ``bearer``: the token after ``Authorization: Bearer``; ``loopback``: the peer is this machine.
    """

    bearer: str | None = None
    loopback: bool = False

    def __repr__(self) -> str:
        shown = "***" if self.bearer else None
        return f"Credentials(bearer={shown!r}, loopback={self.loopback!r})"
