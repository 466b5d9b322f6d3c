"""GET, once, to the address that was checked.

The name is resolved here, every address it has is checked, and the connection is made to one of
these addresses; name and certificate are still those of the URL. Asking a second time is what DNS
rebinding lives on, so nobody does. httpx's transport is used without its client: it knows no
cookies, no redirects, no proxies, no credentials and no packed content.

Weak spots: a proxy that an installation needs for the way out is not supported, and neither are
private certificate authorities.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from staging_core.errors import (
    OutputRefused,
    OutputTooLarge,
    OutputUnavailable,
    PictureTooLarge,
    SourceRefused,
    SourceUnavailable,
    StagingError,
)

from .address import is_private, is_public
from .target import Target, parsed, public_target, target_of

if TYPE_CHECKING:
    import httpx

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_MOST_ADDRESSES = 4  # tried of one name
_CONNECT_S, _SILENCE_S = 5.0, 15.0
_HEADERS = {
    "Accept": "image/png, image/webp, image/jpeg, */*;q=0.1",
    "Accept-Encoding": "identity",
    "Connection": "close",  # one address may serve many names, and each is to prove its own
    "User-Agent": "staging-core",
}


class Fetched(msgspec.Struct, frozen=True):
    """What is fetched, in words, and what its failures are."""

    noun: str
    refused: type[StagingError]
    unavailable: type[StagingError]
    too_large: type[StagingError]


_OUTPUT = Fetched("output", OutputRefused, OutputUnavailable, OutputTooLarge)
_PHOTO = Fetched("photo", SourceRefused, SourceUnavailable, PictureTooLarge)


class Downloads:
    """Fetches models' outputs from listed hosts, and photos from public ones.

    Open it with ``async with``; for one event loop. Nothing is imported or opened before the first
    fetch.
    """

    def __init__(
        self,
        *,
        max_bytes: int = 26_214_400,
        time_limit_s: float = 60.0,
        resolve: Resolve | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``max_bytes``, ``time_limit_s``: of one fetch, all in all.

        ``resolve``: the IP addresses of a name, the system's if None. ``transport``: sends requests
        whose URL has an IP address for its host, httpx's own if None; it is closed with this.
        """
        self._max_bytes, self._time_limit_s = max_bytes, time_limit_s
        self._resolve = resolve or _addresses
        self._transport = transport
        self._opening = asyncio.Lock()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what is open; a fetch that still runs fails."""
        self._closed = True
        async with self._opening:  # it may be opening at this moment
            if self._transport is not None:
                await self._transport.aclose()

    async def fetch(
        self, url: str, *, hosts: Collection[str], max_bytes: int | None = None
    ) -> bytes:
        """What lies at ``url``; ``hosts`` lists where it may lie (see ``target``).

        Raises ``OutputRefused`` before any request for an address that is not listed, or is not
        public and https without the operator's word, and for an answer that redirects;
        ``OutputTooLarge`` beyond ``max_bytes`` (never more than this object's), read no further;
        ``OutputUnavailable`` for all that another try may change. Messages name the host, never
        path or query, which may hold a signature.
        """
        address = parsed(url)
        to = target_of(address, hosts)
        async with self._opened_at(address, to, _OUTPUT, {}, max_bytes) as chunks:
            return b"".join([chunk async for chunk in chunks])

    @asynccontextmanager
    async def photo(
        self, url: str, *, headers: Mapping[str, str], max_bytes: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of somebody's photo at a public https address, sent once with ``headers``.

        Raises ``SourceRefused`` before any request for an address that is not one, and for an
        answer that redirects; ``PictureTooLarge`` beyond ``max_bytes``, read no further;
        ``SourceUnavailable`` for all that another try may change. Messages as for ``fetch``.
        """
        address, to = public_target(url)
        async with self._opened_at(address, to, _PHOTO, headers, max_bytes) as chunks:
            yield chunks

    @asynccontextmanager
    async def _opened_at(
        self,
        url: httpx.URL,
        to: Target,
        what: Fetched,
        headers: Mapping[str, str],
        max_bytes: int | None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The checked answer's body; the time limit is for all of the block."""
        if self._closed:
            raise StagingError("These downloads are closed.", remedy="Use them in `async with`.")
        most = self._max_bytes if max_bytes is None else min(max_bytes, self._max_bytes)
        try:
            async with (
                asyncio.timeout(self._time_limit_s),
                self._answered(url, to, what, headers) as response,
            ):
                yield _body(response, to, what, most)
        except TimeoutError as late:
            raise what.unavailable(
                f"{to.host} took longer than {self._time_limit_s:g} s to deliver the {what.noun}."
            ) from late

    @asynccontextmanager
    async def _answered(
        self, url: httpx.URL, to: Target, what: Fetched, headers: Mapping[str, str]
    ) -> AsyncIterator[httpx.Response]:
        import httpx

        addresses = to.addresses or await self._checked_addresses(to, what)
        try:
            response = await self._answer(url, to, addresses, headers, what)
            try:
                yield response
            finally:
                await response.aclose()
        except (httpx.TransportError, OSError) as error:  # TLS may fail within the body, unwrapped
            raise what.unavailable(
                f"The {what.noun} could not be fetched from {to.host} ({type(error).__name__})."
            ) from error

    async def _checked_addresses(self, to: Target, what: Fetched) -> Sequence[str]:
        try:
            addresses = await self._resolve(to.host, to.port)
        except (OSError, UnicodeError) as error:
            raise what.unavailable(f"The name {to.host} cannot be resolved.") from error
        if not addresses:
            raise what.unavailable(f"The name {to.host} has no address.")
        if not all(is_public(each) or (to.own and is_private(each)) for each in addresses):
            raise what.refused(f"The name {to.host} leads to an address that is not public.")
        return addresses[:_MOST_ADDRESSES]

    async def _answer(
        self,
        url: httpx.URL,
        to: Target,
        addresses: Sequence[str],
        headers: Mapping[str, str],
        what: Fetched,
    ) -> httpx.Response:
        """The answer of the first address that lets itself be connected."""
        import httpx

        transport = await self._opened(what)
        *others, last = addresses
        for address in others:
            try:
                return await transport.handle_async_request(_request(url, to, address, headers))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue  # nothing was sent
        return await transport.handle_async_request(_request(url, to, last, headers))

    async def _opened(self, what: Fetched) -> httpx.AsyncBaseTransport:
        async with self._opening:
            if self._closed:
                raise what.unavailable(
                    f"The installation was closed while it fetched {what.noun}s."
                )
            if self._transport is None:
                # Reading a hundred and some certificates takes a while.
                self._transport = await asyncio.to_thread(_transport)
            return self._transport


def _request(url: httpx.URL, to: Target, address: str, headers: Mapping[str, str]) -> httpx.Request:
    """The request for ``url``, to that very address; name and certificate stay the URL's."""
    import httpx

    limits = {"connect": _CONNECT_S, "read": _SILENCE_S, "write": _SILENCE_S, "pool": None}
    return httpx.Request(
        "GET",
        url.copy_with(host=address),
        headers={**headers, "Host": url.netloc.decode("ascii"), **_HEADERS},
        extensions={"timeout": limits, "sni_hostname": to.host},
    )


def _transport() -> httpx.AsyncBaseTransport:
    import httpx

    unkept = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(trust_env=False, limits=unkept)


async def _body(
    response: httpx.Response, to: Target, what: Fetched, most: int
) -> AsyncIterator[bytes]:
    _check_head(response, to, what, most)
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > most:
            raise _too_large(to, what, most)
        yield chunk


def _check_head(response: httpx.Response, to: Target, what: Fetched, most: int) -> None:
    if 300 <= response.status_code < 400:
        raise what.refused(f"{to.host} answers with a redirect, which is not followed.")
    if response.status_code != 200:
        raise what.unavailable(f"{to.host} answers {response.status_code} for the {what.noun}.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise what.refused(f"{to.host} answers with packed content, which nobody asked for.")
    told = response.headers.get("content-length", "")
    if told.isdigit() and int(told) > most:
        raise _too_large(to, what, most)


def _too_large(to: Target, what: Fetched, most: int) -> StagingError:
    return what.too_large(f"The {what.noun} at {to.host} is larger than {most / 2**20:g} MiB.")


async def _addresses(host: str, port: int) -> Sequence[str]:
    """As the system resolves them, in its order."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
