"""GET, once, to the address that was checked; see ``outbound``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from staging_core.errors import (
    OutputGone,
    OutputRefused,
    OutputTooLarge,
    OutputUnavailable,
    PictureTooLarge,
    SourceRefused,
    SourceUnavailable,
    StagingError,
)

from .outbound import Outbound, Resolve, Sent, Wanted
from .target import Target, parsed, public_target, target_of

if TYPE_CHECKING:
    import httpx

_GONE = (403, 404, 410)
"""Object stores say 403 of what they do not have to whoever may not list it."""

_ACCEPT = {"Accept": "image/png, image/webp, image/jpeg, */*;q=0.1"}


class Fetched(Wanted, frozen=True):
    """What is fetched."""

    too_large: type[StagingError]
    gone: type[StagingError]


_OUTPUT = Fetched("output", OutputRefused, OutputUnavailable, OutputTooLarge, OutputGone)
_PHOTO = Fetched("photo", SourceRefused, SourceUnavailable, PictureTooLarge, SourceUnavailable)


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
        """``max_bytes``: of one output. ``time_limit_s``: of one fetch, all in all.

        ``resolve``: the IP addresses of a name, the system's if None. ``transport``: sends requests
        whose URL has an IP address for its host, httpx's own if None; it is closed with this.
        """
        self._max_bytes, self._time_limit_s = max_bytes, time_limit_s
        self._outbound = Outbound(resolve=resolve, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what is open; a fetch that still runs fails."""
        await self._outbound.close()

    async def fetch(
        self, url: str, *, hosts: Collection[str], max_bytes: int | None = None
    ) -> bytes:
        """What lies at ``url``; ``hosts`` lists where it may lie (see ``target``).

        Raises ``OutputRefused`` before any request for an address that is not listed, or is not
        public and https without the operator's word, and for an answer that redirects;
        ``OutputTooLarge`` beyond ``max_bytes`` (never more than this object's), read no further;
        ``OutputUnavailable`` for all that another try may change, of which ``OutputGone`` is an
        answer that nothing lies there. Messages name the host, never path or query, which may hold
        a signature.
        """
        address = parsed(url)
        to = target_of(address, hosts)
        most = self._max_bytes if max_bytes is None else min(max_bytes, self._max_bytes)
        async with self._opened_at(address, to, _OUTPUT, {}, most) as chunks:
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
        most: int,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The checked answer's body; the time limit is for all of the block."""
        if self._outbound.closed:
            raise StagingError("These downloads are closed.", remedy="Use them in `async with`.")
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

        sent = Sent("GET", url, {**headers, **_ACCEPT})
        try:
            response = await self._outbound.send(sent, to, what)
            try:
                yield response
            finally:
                await response.aclose()
        except (httpx.TransportError, OSError) as error:  # TLS may fail within the body, unwrapped
            raise what.unavailable(
                f"The {what.noun} could not be fetched from {to.host} ({type(error).__name__})."
            ) from error


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
        wrong = what.gone if response.status_code in _GONE else what.unavailable
        raise wrong(f"{to.host} answers {response.status_code} for the {what.noun}.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise what.refused(f"{to.host} answers with packed content, which nobody asked for.")
    told = response.headers.get("content-length", "")
    if told.isdigit() and int(told) > most:
        raise _too_large(to, what, most)


def _too_large(to: Target, what: Fetched, most: int) -> StagingError:
    return what.too_large(f"The {what.noun} at {to.host} is larger than {most / 2**20:g} MiB.")
