"""Whether a provider can reach an address of ours, as far as the address itself tells."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

_OURS_ALONE = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa")


def is_local(url: str) -> bool:
    """Whether the URL's host is of this machine or network: nobody outside can reach it.

    A name without a dot is one: a container's, or a neighbour's.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return not ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return "." not in host or host.endswith(_OURS_ALONE)


def can_reach(api: str, url: str) -> bool:
    """Whether the provider at ``api`` can fetch from or post to ``url``.

    One that is local itself (a double, a gateway of one's own) reaches what is local. Replicate
    itself reaches public addresses, over HTTPS.
    """
    if is_local(api):
        return True
    return urlsplit(url).scheme == "https" and not is_local(url)


def netloc(url: str) -> str:
    """Host and port as they stand in the URL, without a user."""
    return urlsplit(url).netloc.rpartition("@")[2]


def origin(url: str) -> str:
    """Scheme and host without a port, as a list of output hosts names a provider of one's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://[{host}]" if ":" in host else f"{parts.scheme}://{host}"
