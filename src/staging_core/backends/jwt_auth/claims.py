"""What the claims of a verified token mean here: who it is, in which role, in which account."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from staging_core.errors import Unauthorized
from staging_core.models import SCOPES, Identity, Principal, UserRole, highest

from .trust import Trust

Claims = Mapping[str, Any]

_ROLES: dict[str, UserRole] = {
    "admin": "admin",
    "operator": "operator",
    "staging:admin": "admin",
    "staging:operator": "operator",
}
_PERMISSIONS = {name: role for name, role in _ROLES.items() if name.startswith("staging:")}
_ACCOUNT = re.compile(r"[\x21-\x7e]{1,255}")


def principal_of(claims: Claims, trust: Trust, *, expires_at: float | None = None) -> Principal:
    """The person of a verified token; ``Unauthorized`` when it names none that can be one."""
    subject = claims["sub"]
    if not subject or not subject.isprintable():
        raise Unauthorized("The token names no subject.")
    return Principal(
        account_id=_account(claims, trust),
        user_id="",
        role=role_of(claims, trust),
        scopes=scopes_of(claims, trust),
        identity=Identity(
            issuer=trust.issuer,
            subject=subject,
            email=_email(claims),
            full_name=_text(claims, "name"),
        ),
        expires_at=expires_at,
    )


def check_times(claims: Claims, now: float, leeway_s: float) -> float:
    """``Unauthorized`` unless the token has been issued, holds already and holds still.

    Until when it is taken, in Unix seconds: its ``exp``, and as long as clocks may be apart.
    """
    if (expires := seconds(claims.get("exp"))) is None or expires <= now - leeway_s:
        raise Unauthorized("The token has expired.", remedy="Sign in again.")
    if (issued := seconds(claims.get("iat"))) is None or issued > now + leeway_s:
        raise Unauthorized(
            "The token was issued in the future.", remedy="Compare this machine's clock."
        )
    if "nbf" in claims:
        holds_from = seconds(claims["nbf"])
        if holds_from is None or holds_from > now + leeway_s:
            raise Unauthorized("The token does not hold yet.", remedy="Try again later.")
    return expires + leeway_s


def seconds(value: Any) -> float | None:
    """A claim that is a time (RFC 7519, ``NumericDate``); None for all that is no number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and -1e15 < value < 1e15 else None


def role_of(claims: Claims, trust: Trust) -> UserRole:
    """The highest role that the token gives; ``member`` when it gives none.

    By default ``permissions`` with ``staging:operator`` or ``staging:admin`` counts, and a claim
    ``roles``, also under a name of its own (``https://example.com/roles``), with ``operator`` or
    ``admin``; with ``roles_claim`` that claim only.
    """
    if trust.roles_claim is not None:
        return _highest(claim(claims, trust.roles_claim), _ROLES)
    found = [_highest(value, _ROLES) for value in _named(claims, "roles")]
    return highest("member", _highest(claims.get("permissions"), _PERMISSIONS), *found)


def scopes_of(claims: Claims, trust: Trust) -> frozenset[str]:
    """All that the token may do; empty without a ``scopes_claim``, whose token is held to nothing.

    ``Unauthorized`` where the claim has none of our scopes: such a token is for something else.
    """
    if trust.scopes_claim is None:
        return frozenset()
    scopes = SCOPES.keys() & set(_texts(claim(claims, trust.scopes_claim)))
    if not scopes:
        raise Unauthorized(
            "The token may do nothing here.", remedy="Ask the issuer for one with our scopes."
        )
    return frozenset(scopes)


def claim(claims: Claims, name: str) -> Any:
    """The claim of that name; else the place in nested claims that the name's dots describe."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _highest(value: Any, known: Mapping[str, UserRole]) -> UserRole:
    """The highest role among them."""
    return highest("member", *(known[text] for text in _texts(value) if text in known))


def _texts(value: Any) -> list[str]:
    """The texts of a list, or the words of a text (RFC 8693, ``scope``)."""
    items = value.split() if isinstance(value, str) else value
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []


def _account(claims: Claims, trust: Trust) -> str:
    """The shared account that the token names; empty: the person's own."""
    value = None if trust.account_claim is None else claim(claims, trust.account_claim)
    if value is None:
        return ""
    if not isinstance(value, str) or not _ACCOUNT.fullmatch(value):
        raise Unauthorized("The token names an account that cannot be one.")
    return value


def _email(claims: Claims) -> str | None:
    """The address, unless the issuer says that it was not verified."""
    if any(value is False for value in _named(claims, "email_verified")):
        return None
    return _text(claims, "email")


def _text(claims: Claims, name: str) -> str | None:
    texts = (value for value in _named(claims, name) if isinstance(value, str) and value)
    return next(texts, None)


def _named(claims: Claims, name: str) -> Iterator[Any]:
    """The claim, then those of that name in somebody's namespace, as Auth0 asks for."""
    if name in claims:
        yield claims[name]
    for full, value in claims.items():
        if full.endswith(f"/{name}"):
            yield value
