"""Scopes: what a key may be held to, less than what its user may do."""

from __future__ import annotations

from collections.abc import Iterable

from staging_core.errors import Forbidden, ValidationFailed
from staging_core.nearest import nearest

from .principal import Principal, UserRole

SCOPES: dict[str, str] = {
    "images:read": "See projects, images, jobs and their history, and download pictures.",
    "images:write": "Change projects, upload, submit, cancel, retry, review, delete; and read.",
    "events:read": "Follow events as they happen, and take tickets for that.",
    "profile:read": "See the user's profile.",
    "profile:write": "Change the user's profile; and read.",
    "billing:read": "See usage, subscriptions and bills.",
    "billing:write": "Change plans and payment methods; and read.",
    "webhooks:write": "See and change webhook endpoints and their deliveries.",
    "keys:write": "See, make and revoke API keys; a new one gets no scope that the maker lacks.",
    "account:admin": "What an admin does: the account's export, its deletion, everybody's keys.",
    "installation:operate": "What an operator does, across accounts.",
}
"""Every scope there is, and what it allows. A role is needed beside it where the role says so."""


def checked_scopes(names: Iterable[str]) -> frozenset[str]:
    """The names as a set; ``ValidationFailed`` names what is no scope, or says there is none."""
    scopes = frozenset(names)
    for name in sorted(scopes - SCOPES.keys()):
        told = f"There is no scope {name!r}."
        raise ValidationFailed(told, remedy=nearest(name, SCOPES), fields={"scopes": told})
    if not scopes:
        told, remedy = "Name at least one scope.", f"Choose among {', '.join(SCOPES)}."
        raise ValidationFailed(told, remedy=remedy, fields={"scopes": told})
    return scopes


def grantable_scopes(maker: Principal, names: Iterable[str]) -> frozenset[str]:
    """The names as a set that ``maker`` may pass on; ``Forbidden`` for one that they lack."""
    scopes = checked_scopes(names)
    for name in sorted(scopes):
        if not maker.may(name):
            raise Forbidden(
                f"A key gets no scope that its maker lacks, here {name}.",
                remedy="Leave that scope out, or make the key signed in as a person.",
            )
    return scopes


def check_scope(principal: Principal, scope: str) -> None:
    """``Forbidden`` unless the principal's scopes allow ``scope``."""
    if not principal.may(scope):
        raise Forbidden(
            f"This needs the scope {scope}.", remedy=f"Use a key that has the scope {scope}."
        )


def check_role(principal: Principal, role: UserRole) -> None:
    """``Forbidden`` unless the principal may do what ``role`` may."""
    if not principal.has_role(role):
        raise Forbidden(
            f"This is for an {role}.", remedy="Ask an operator of the installation for the role."
        )
