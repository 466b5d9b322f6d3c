"""One request to the address that was checked.

A name is resolved here, every address it has is checked, and the connection is made to one of
these addresses; name and certificate are still those of the URL. Asking a second time is what DNS
rebinding lives on, so nobody does. httpx's transport is used without its client: it knows no
cookies, no redirects, no proxies, no credentials and no packed content.

Weak spots: a proxy that an installation needs for the way out is not supported, and neither are
private certificate authorities.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from staging_core.errors import StagingError

from .address import is_private, is_public
from .target import Target

if TYPE_CHECKING:
    import httpx

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_MOST_ADDRESSES = 4  # tried of one name
_CONNECT_S, _SILENCE_S = 5.0, 15.0
_HEADERS = {
    "Accept-Encoding": "identity",
    "Connection": "close",  # one address may serve many names, and each is to prove its own
    "User-Agent": "staging-core",
}


class Wanted(msgspec.Struct, frozen=True):
    """What a request is for, in a word, and what its failures are."""

    noun: str
    refused: type[StagingError]
    unavailable: type[StagingError]


class Sent(msgspec.Struct, frozen=True):
    """A request but for where it goes."""

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    body: bytes | None = None


class Outbound:
    """Sends requests, each to an address that was just checked; for one event loop.

    Nothing is imported or opened before the first one.
    """

    def __init__(
        self, *, resolve: Resolve | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """``resolve``: the IP addresses of a name, the system's if None.

        ``transport``: sends requests whose URL has an IP address for its host, httpx's own if None;
        it is closed with this.
        """
        self.closed = False
        self._resolve = resolve or addresses_of
        self._transport = transport
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close what is open; a request that still runs fails."""
        self.closed = True
        async with self._opening:  # it may be opening at this moment
            if self._transport is not None:
                await self._transport.aclose()

    async def addresses(self, to: Target, what: Wanted) -> Sequence[str]:
        """Where ``to`` is, all of it checked; ``refused`` when any address may not be connected."""
        if to.addresses:
            return to.addresses
        try:
            addresses = await self._resolve(to.host, to.port)
        except (OSError, UnicodeError) as error:
            raise what.unavailable(f"The name {to.host} cannot be resolved.") from error
        if not addresses:
            raise what.unavailable(f"The name {to.host} has no address.")
        if not all(is_public(each) or (to.own and is_private(each)) for each in addresses):
            raise what.refused(f"The name {to.host} leads to an address that is not public.")
        return addresses[:_MOST_ADDRESSES]

    async def send(self, sent: Sent, to: Target, what: Wanted) -> httpx.Response:
        """The answer of the first address that lets itself be connected; httpx's errors pass."""
        import httpx

        addresses = await self.addresses(to, what)
        transport = await self._opened(what)
        *others, last = addresses
        for address in others:
            try:
                return await transport.handle_async_request(_request(sent, to, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue  # nothing was sent
        return await transport.handle_async_request(_request(sent, to, last))

    async def _opened(self, what: Wanted) -> httpx.AsyncBaseTransport:
        async with self._opening:
            if self.closed:
                raise what.unavailable("The installation was closed meanwhile.")
            if self._transport is None:
                # Reading a hundred and some certificates takes a while.
                self._transport = await asyncio.to_thread(_transport)
            return self._transport


def _request(sent: Sent, to: Target, address: str) -> httpx.Request:
    """The request to that very address; name and certificate stay the URL's."""
    import httpx

    limits = {"connect": _CONNECT_S, "read": _SILENCE_S, "write": _SILENCE_S, "pool": None}
    host = {"Host": sent.url.netloc.decode("ascii")}
    return httpx.Request(
        sent.method,
        sent.url.copy_with(host=address),
        headers={**sent.headers, **host, **_HEADERS},
        content=sent.body,
        extensions={"timeout": limits, "sni_hostname": to.host},
    )


def _transport() -> httpx.AsyncBaseTransport:
    import httpx

    unkept = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(trust_env=False, limits=unkept)


async def addresses_of(host: str, port: int) -> Sequence[str]:
    """As the system resolves them, in its order."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
