"""The address of a server, and whether a token may be sent there."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from staging_core.errors import BadInput

_PRINTABLE = re.compile(r"[\x21-\x7e]{1,2048}")
_REMEDY = "Give the address of the API, such as https://staging.example, without `/api/v1`."


def checked_address(url: object) -> str:
    """The address without a slash at its end; ``BadInput`` for one that no token is sent to.

    That is https, or http to this machine; without user, query or fragment, which could hold
    secrets. What is wrong with it is told without repeating it.
    """
    if not isinstance(url, str) or not _PRINTABLE.fullmatch(url):
        raise BadInput("That is no address of a server.", remedy=_REMEDY)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadInput("That is no address of a server.", remedy=_REMEDY) from None
    if not host or "\\" in url:
        raise BadInput("The server's address names no host.", remedy=_REMEDY)
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise BadInput("The server's address carries more than a host and a path.", remedy=_REMEDY)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise BadInput("The server's address is not https.", remedy=_REMEDY)
    return url.rstrip("/")


def may_send_photo(url: str) -> bool:
    """Whether a photo may be put at an address that a server told: as for tokens, with a query."""
    try:
        checked_address(url.partition("?")[0])
    except BadInput:
        return False
    return "#" not in url


def is_loopback(host: str | None) -> bool:
    """Whether that is this machine, by its own name or address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
