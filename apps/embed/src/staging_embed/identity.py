"""Who asks: what a request carries, and whom the host or the installation sees in it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from staging_core import Credentials, Principal
from staging_core.errors import Unauthorized

PrincipalOf = Callable[[Credentials], Principal | Awaitable[Principal | None] | None]

_BEARER = re.compile(r"bearer +([\x21-\x7e]+) *", re.IGNORECASE)
# A proxy on this machine makes everybody look local, and mostly says so with one of these. One
# that adds none (nginx, unless it is told to) still speaks HTTP/1.0, which nobody else does today.
_PASSED_ON = re.compile(
    r"(x-)?forwarded(-.*)?|via|x-real-ip|x-client-ip|true-client-ip|x-original-.*|x-envoy-.*|cf-.*"
)


async def principal_of(seen: PrincipalOf, credentials: Credentials) -> Principal:
    """Whom ``seen`` sees; ``Unauthorized`` when that is nobody."""
    found = seen(credentials)
    principal = await found if inspect.isawaitable(found) else found
    if principal is None:
        raise Unauthorized()
    return principal


def credentials_of(scope: Mapping[str, Any], origins: Collection[str]) -> Credentials:
    """What the request carries; ``Unauthorized`` for a header that is no bearer token.

    ``origins``: whose pages may call us; a page of another one never counts as this machine.
    """
    headers = headers_of(scope)
    given = headers.get("authorization")
    if given is None:
        return Credentials(loopback=_is_local(scope, headers, origins))
    found = _BEARER.fullmatch(given)
    if found is None:
        raise Unauthorized(
            "The header Authorization is not understood.",
            remedy="Send `Authorization: Bearer TOKEN`, once.",
        )
    return Credentials(bearer=found[1])


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """By lower-case name; several of one name are joined as RFC 9110 says."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, told = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {told}" if key in headers else told
    return headers


def address_of(scope: Mapping[str, Any]) -> str:
    """Where the request comes from: the peer, or whom a trusted proxy names."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _is_local(scope: Mapping[str, Any], headers: dict[str, str], origins: Collection[str]) -> bool:
    """Whether somebody at this machine asks, and not a page that somebody here has open.

    A page anywhere can make a browser ask us, under a name of its own that leads here: so the name
    that was asked for, and the page's origin, have to be local too.
    """
    if scope.get("http_version") == "1.0" or any(map(_PASSED_ON.fullmatch, headers)):
        return False
    if not _is_loopback(address_of(scope)):
        return False
    if not _is_loopback(_host(headers.get("host", ""))):
        return False
    if headers.get("sec-fetch-site") == "cross-site" and "origin" not in headers:
        return False
    origin = headers.get("origin")
    return origin is None or origin in origins or _same(origin, headers["host"], scope)


def _same(origin: str, host: str, scope: Mapping[str, Any]) -> bool:
    return origin == f"{scope.get('scheme', 'http')}://{host}"


def _host(value: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{value}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
