"""Who acts, and what they showed to prove it."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

UserRole = Literal["member", "admin", "operator"]
"""Works in the account; also looks after the account; also runs the whole installation."""

ROLES: tuple[UserRole, ...] = get_args(UserRole)
"""Each may do what those before it may."""


PERSONAL = "personal-"
"""Begins the ids of accounts that a first sign-in makes, one person's each; no claim names one."""


def highest(*roles: UserRole) -> UserRole:
    """The one of ``roles`` that may do most."""
    return max(roles, key=ROLES.index)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A person as somebody else vouches for them, before the installation gives them a user.

    ``issuer`` and ``subject`` name them for ever and are never empty; ``email`` and ``full_name``
    are what the issuer calls them today, None where it does not say.
    """

    issuer: str
    subject: str
    email: str | None = None
    full_name: str | None = None


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """One user acting in one account. The account is the tenant: nothing crosses it.

    ``scopes``: what it is held to (see ``SCOPES``); empty: to nothing but its role. ``role``: what
    it may do at all. ``identity``: set by an authenticator that knows a person and not our user; it
    leaves ``user_id`` empty, and ``account_id`` too unless it knows a shared account, and
    ``Staging.authenticate`` fills both in. ``key_id``: of the API key that it showed, which has a
    rate limit of its own. ``expires_at``: when what it showed opens nothing any more, in Unix
    seconds; None: nobody says. What it began before, such as an event stream, ends then.
    """

    account_id: str
    user_id: str = "owner"
    scopes: frozenset[str] = frozenset()
    role: UserRole = "member"
    identity: Identity | None = None
    key_id: str | None = None
    expires_at: float | None = None

    def may(self, scope: str) -> bool:
        """Whether its scopes allow what ``scope`` is about; without any they allow everything.

        Who may write may also read.
        """
        writing = scope.removesuffix(":read") + ":write"
        return not self.scopes or scope in self.scopes or writing in self.scopes

    def has_role(self, role: UserRole) -> bool:
        """Whether it may do what that role may; a person looks after an account of their own."""
        if role == "admin" and self.account_id.startswith(PERSONAL):
            return True
        return ROLES.index(self.role) >= ROLES.index(role)


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a request carried. ``repr`` shows no secret.

    ``bearer``: the token after ``Authorization: Bearer``; ``loopback``: the peer is this machine.
    """

    bearer: str | None = None
    loopback: bool = False

    def __repr__(self) -> str:
        shown = "***" if self.bearer else None
        return f"Credentials(bearer={shown!r}, loopback={self.loopback!r})"
