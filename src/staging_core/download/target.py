"""What an address on a list leads to.

Entries of a list: a name (``files.example``), all names below one but not itself
(``*.files.example``), either with a port (``files.example:8443``; 443 otherwise), or a provider on
this machine with its port (``127.0.0.1:9000``, ``[::1]:9000``, ``localhost:9000``), which may speak
plain http.

With a scheme before it an entry is the operator's word for a host of their own: it may have private
addresses, and any port where none is given. ``http://double.internal`` may speak plain http or
https, ``https://gateway.internal:8443`` only https, on that port.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from staging_core.errors import OutputRefused, SourceRefused, StagingError

from .address import is_loopback

if TYPE_CHECKING:
    import httpx

_PORTS = {"https": 443, "http": 80}
_LOCALHOST = ("127.0.0.1", "::1")  # RFC 6761: never asked of a name server
_LONGEST_NAME = 253
_NAME = re.compile(r"[0-9a-z_-]{1,63}(\.[0-9a-z_-]{1,63})*\.?")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request may go.

    ``addresses``: of a provider on this machine, to connect as they are; empty: ask for the name's,
    and only connect public ones, or also private ones where ``own``: the operator named the host.
    """

    host: str
    port: int
    addresses: tuple[str, ...] = ()
    own: bool = False


def target(url: str, hosts: Collection[str]) -> Target:
    """Where this URL leads; ``OutputRefused`` unless it is on the list. Nobody is asked."""
    return target_of(parsed(url), hosts)


def parsed(url: str) -> httpx.URL:
    """The URL's parts, read by the library that will send the request."""
    import httpx

    try:
        return httpx.URL(url)
    except httpx.InvalidURL:
        # Not kept as the cause: its message may quote a part of the address.
        raise OutputRefused("The model answered with something that is no address.") from None


def public_target(
    url: str,
    *,
    refused: type[StagingError] = SourceRefused,
    only: str = "Photos are fetched from https addresses only.",
) -> tuple[httpx.URL, Target]:
    """Where somebody's address leads, and its parts; ``refused`` unless it is https.

    Whether the host is a public one is seen when its name is resolved.
    """
    try:
        parts = parsed(url)
    except OutputRefused:
        raise refused("That is no address.") from None
    host = parts.raw_host.decode("ascii").lower()
    if parts.scheme != "https" or not host or len(host) > _LONGEST_NAME:
        raise refused(only)
    if not _is_host(host):
        raise refused("The address has a host that there cannot be.")
    port = _PORTS["https"] if parts.port is None else parts.port
    if not 0 < port < 65_536:
        raise refused("The address has a port that there is not.")
    if parts.userinfo:
        raise refused(f"The address at {host} carries a user name or password.")
    return parts, Target(host=host, port=port)


def _is_host(host: str) -> bool:
    """Whether it is written as a name or an IP address is; nothing is asked."""
    if _NAME.fullmatch(host):
        return True
    try:
        return "%" not in str(ip_address(host))  # a scope is of one machine's own network
    except ValueError:
        return False


def target_of(url: httpx.URL, hosts: Collection[str]) -> Target:
    """As ``target``, for a URL that is taken apart already."""
    host = url.raw_host.decode("ascii").lower()
    if url.scheme not in _PORTS or not host or len(host) > _LONGEST_NAME:
        raise OutputRefused("The model's output has an address that is not an https one.")
    if url.userinfo:
        raise OutputRefused(f"The output's address at {host} carries a user name or password.")
    port = url.port or _PORTS[url.scheme]
    local = host == "localhost" or is_loopback(host)
    own = _is_own(url.scheme, host, port, hosts)
    if url.scheme == "http" and not (local or own):
        raise OutputRefused(f"The output's address at {host} is http; only https is fetched.")
    if not (own or (_is_literal if local else _is_listed)(host, port, hosts)):
        raise OutputRefused(f"Outputs of this model are not fetched from {host}, port {port}.")
    literal = _LOCALHOST if host == "localhost" else (host,)
    return Target(host=host, port=port, addresses=literal if local else (), own=own)


def _is_own(scheme: str, host: str, port: int, hosts: Collection[str]) -> bool:
    """Whether an operator wrote the host down with a scheme, which https always satisfies."""
    return any(
        (scheme in (named, "https")) and host == name and port == (listed or port)
        for named, name, listed in _own(hosts)
    )


def _is_listed(host: str, port: int, hosts: Collection[str]) -> bool:
    return any(port == (listed or 443) and _covers(name, host) for name, listed in _read(hosts))


def _is_literal(host: str, port: int, hosts: Collection[str]) -> bool:
    """A provider on this machine is reached only through an entry that names it and its port."""
    return (host, port) in _read(hosts)


def _covers(name: str, host: str) -> bool:
    if name.startswith("*."):
        return len(name) > 2 and host.endswith(name[1:]) and len(host) > len(name) - 1
    return name == host


def _read(hosts: Collection[str]) -> Iterator[tuple[str, int | None]]:
    for entry in hosts:
        name, colon, port = entry.strip().lower().rpartition(":")
        if colon and port.isascii() and port.isdigit():
            yield name.removeprefix("[").removesuffix("]"), int(port)
        elif not colon:
            yield port, None


def _own(hosts: Collection[str]) -> Iterator[tuple[str, str, int | None]]:
    """Scheme, host and port of the entries that are an origin and nothing more."""
    for entry in hosts:
        try:
            parts = urlsplit(entry.strip().lower())
            port = parts.port
        except ValueError:
            continue
        bare = not (parts.path or parts.query or parts.fragment or parts.username is not None)
        if parts.scheme in _PORTS and parts.hostname and bare:
            yield parts.scheme, parts.hostname, port
