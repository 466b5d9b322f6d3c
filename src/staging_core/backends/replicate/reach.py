"""Whether a provider can reach an address of ours, as far as the address itself tells."""

from __future__ import annotations

from urllib.parse import urlsplit

from staging_core.urls import is_local


def can_reach(api: str, url: str) -> bool:
    """Whether the provider at ``api`` can fetch from or post to ``url``.

    One that is local itself (a double, a gateway of one's own) reaches what is local. Replicate
    itself reaches public addresses, over HTTPS.
    """
    if is_local(api):
        return True
    return urlsplit(url).scheme == "https" and not is_local(url)


def origin(url: str) -> str:
    """Scheme and host without a port, as a list of output hosts names a provider of one's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://[{host}]" if ":" in host else f"{parts.scheme}://{host}"
