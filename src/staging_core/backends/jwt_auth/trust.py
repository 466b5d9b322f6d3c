"""Whom a ``jwt:`` URL trusts, and in what."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from staging_core.errors import MissingSetting, SettingError
from staging_core.urls import BackendURL

OPTIONS = ("audience", "roles_claim", "account_claim", "scopes_claim", "leeway_s")
_MOST_LEEWAY_S = 300.0


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """One issuer, for one audience. ``issuer``: without a slash at its end.

    ``roles_claim``: the claim that holds roles; None: the usual places. ``account_claim``: the
    claim that names a shared account. ``scopes_claim``: the claim that lists all that a token may
    do; None: what its role may. ``leeway_s``: how far clocks may be apart.
    """

    issuer: str
    audience: str
    roles_claim: str | None = None
    account_claim: str | None = None
    scopes_claim: str | None = None
    leeway_s: float = 30.0

    @classmethod
    def parse(cls, url: BackendURL) -> Trust:
        """Read the URL; ``SettingError`` names the part that is wrong."""
        for name, value in url.options.items():
            if name not in OPTIONS:
                raise SettingError(
                    f"jwt: has no option {name!r}.", remedy=f"Its options: {', '.join(OPTIONS)}."
                )
            if not value.strip():
                raise SettingError(f"{url}: the option {name!r} is empty.", remedy="Leave it out.")
        if "audience" not in url.options:
            raise MissingSetting(
                f"{url} names no audience, so tokens for other services would be taken.",
                remedy="Add ?audience=…, the identifier of this API at the issuer.",
            )
        leeway_s = _seconds(url.options.get("leeway_s", "30"))
        return cls(
            issuer=_issuer(url),
            audience=url.options["audience"],
            roles_claim=url.options.get("roles_claim"),
            account_claim=url.options.get("account_claim"),
            scopes_claim=url.options.get("scopes_claim"),
            leeway_s=leeway_s,
        )

    @property
    def spellings(self) -> tuple[str, str]:
        """How the issuer may write itself: with and without the slash at its end."""
        return (self.issuer, f"{self.issuer}/")

    def may_ask(self, url: str) -> bool:
        """Whether keys may be fetched there: over HTTPS, or within this machine as the issuer."""
        try:
            parts = urlsplit(url)
            host, plain = parts.hostname, parts.username is None and parts.port != 0
        except ValueError:
            return False
        if not host or not plain:
            return False
        return parts.scheme == "https" or (
            parts.scheme == "http" and is_loopback(host) and self.issuer.startswith("http://")
        )


def _issuer(url: BackendURL) -> str:
    issuer = url.path.rstrip("/")
    remedy = "Write it as jwt:https://HOST/?audience=…, with the issuer as its tokens name it."
    try:
        parts = urlsplit(issuer)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole or not issuer.isascii() or not issuer.isprintable() or len(issuer) > 500:
        raise SettingError(f"{url} names no issuer.", remedy=remedy)
    if parts.username is not None or parts.fragment or " " in issuer:
        raise SettingError(f"{url}: an issuer has no user and no fragment.", remedy=remedy)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingError(
            f"{url}: keys that are fetched without TLS could be anybody's.",
            remedy="Use https://; plain http is for an issuer on this very machine.",
        )
    return issuer


def is_loopback(host: str) -> bool:
    """Whether the name or address is this very machine's, whoever is asked for it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _MOST_LEEWAY_S:
        raise SettingError(
            f"jwt: leeway_s={text[:20]} is not a number from 0 to {_MOST_LEEWAY_S:.0f}.",
            remedy="Leave it out; 30 seconds suit most clocks.",
        )
    return seconds
