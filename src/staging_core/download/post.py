"""POST, once, to the address that was checked; see ``outbound``.

What comes back is an account: a status, how long it took, and how the answer begins. No redirect is
followed, and nothing that goes wrong out there raises.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from staging_core.errors import EndpointRefused, EndpointUnavailable, OutputRefused, StagingError
from staging_core.retry_after import seconds_of

from .outbound import Outbound, Resolve, Sent, Wanted
from .target import Target, parsed, public_target, target_of

if TYPE_CHECKING:
    import httpx

_WEBHOOK = Wanted("webhook", EndpointRefused, EndpointUnavailable)
_ONLY = "Webhooks are sent to https addresses only."
_EXCERPT_BYTES = 500
_CHECK_S = 5.0
_LONGEST_WISH_S = 24 * 3600.0


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """How a POST went. ``status``: None when nothing was answered; then ``error`` says why.

    ``excerpt``: at most 500 bytes of the answer as text. ``retry_after_s``: the seconds that the
    answer asks for.
    """

    latency_ms: float
    status: int | None = None
    error: str | None = None
    excerpt: str = ""
    retry_after_s: float | None = None

    @property
    def taken(self) -> bool:
        """Whether it was answered 2xx."""
        return self.status is not None and 200 <= self.status < 300


class Posts:
    """Sends webhooks to public https addresses, and to hosts that the operator names.

    Open it with ``async with``; for one event loop. Nothing is imported or opened before the first.
    """

    def __init__(
        self,
        *,
        hosts: Collection[str] = (),
        time_limit_s: float = 15.0,
        resolve: Resolve | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``hosts``: hosts of the operator's own, see ``target``. ``time_limit_s``: of one POST.

        ``resolve``, ``transport``: see ``Outbound``.
        """
        self.time_limit_s = time_limit_s
        self._hosts = tuple(hosts)
        self._outbound = Outbound(resolve=resolve, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what is open; a POST that still runs fails."""
        await self._outbound.close()

    async def check(self, url: str) -> None:
        """``EndpointRefused`` for an address that nothing will ever be sent to.

        A name that cannot be resolved now passes: it is checked again at every POST.
        """
        _, to = self._target(url)
        try:
            async with asyncio.timeout(_CHECK_S):
                await self._outbound.addresses(to, _WEBHOOK)
        except (EndpointUnavailable, TimeoutError):
            return

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        """POST ``body`` as JSON; how it went. Nothing is sent to an address that is not checked."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self.time_limit_s):
                answer = await self._answer(url, body, headers)
        except StagingError as error:
            answer = Posted(latency_ms=0, error=error.message)
        except TimeoutError:
            answer = Posted(latency_ms=0, error=f"No answer within {self.time_limit_s:g} s.")
        latency_ms = round((time.perf_counter() - began) * 1000, 1)
        return msgspec.structs.replace(answer, latency_ms=latency_ms)

    async def _answer(self, url: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        import httpx

        address, to = self._target(url)
        told = {"Accept": "*/*", "Content-Type": "application/json", **headers}
        try:
            response = await self._outbound.send(Sent("POST", address, told, body), to, _WEBHOOK)
        except (httpx.TransportError, OSError) as error:
            words = f"{to.host} could not be reached ({type(error).__name__})."
            return Posted(latency_ms=0, error=words)
        try:
            return Posted(
                latency_ms=0,
                status=response.status_code,
                excerpt=await _excerpt(response),
                retry_after_s=seconds_of(
                    response.headers.get("retry-after"), longest_s=_LONGEST_WISH_S
                ),
            )
        finally:
            await response.aclose()

    def _target(self, url: str) -> tuple[httpx.URL, Target]:
        try:
            address = parsed(url)
            return address, target_of(address, self._hosts)
        except OutputRefused:
            return public_target(url, refused=EndpointRefused, only=_ONLY)


async def _excerpt(response: httpx.Response) -> str:
    """How the body begins; an answer counts by its status, even if its body never ends."""
    import httpx

    if response.headers.get("content-encoding", "identity").lower() != "identity":
        return ""
    found = b""
    try:
        async with asyncio.timeout(1.0):
            async for chunk in response.aiter_raw():
                found += chunk[:_EXCERPT_BYTES]
                if len(found) >= _EXCERPT_BYTES:
                    break
    except (httpx.TransportError, OSError, TimeoutError):
        pass
    text = found[:_EXCERPT_BYTES].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
