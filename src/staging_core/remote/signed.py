"""Photos put at addresses that a server signed: no token is sent there, and no log has them.

httpx's transport is used without its client, which writes every address it asks, signature
included, into its log. Weak spot: proxies of the environment are not used here; where that leaves
no way, photos go through the server.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from staging_core.errors import AnswerNotUnderstood, ServerUnreachable, StagingError
from staging_core.models import UploadTicket

from .photo import PhotoFile
from .problem import MEDIA_TYPE, error_of

_TRIES = 3
_MOST_REFUSAL = 1 << 16


class Signed:
    """Where signed addresses lead. Open while the block runs. ``timeout_s``: of silence."""

    def __init__(self, timeout_s: float) -> None:
        self._limits = {
            "connect": min(10.0, timeout_s),
            "read": timeout_s,
            "write": timeout_s,
            "pool": timeout_s,
        }
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def put(self, ticket: UploadTicket, photo: PhotoFile) -> None:
        """Put the photo there; ``ServerUnreachable`` or ``AnswerNotUnderstood`` where it does not
        go, or the error of a server of ours.
        """
        for last in (False,) * (_TRIES - 1) + (True,):
            try:
                return await self._put(ticket, photo)
            except ServerUnreachable:
                if last:
                    raise
        return None

    async def _put(self, ticket: UploadTicket, photo: PhotoFile) -> None:
        host = httpx.URL(ticket.url).host
        request = httpx.Request(
            "PUT",
            ticket.url,
            headers={**ticket.headers, "Content-Length": str(photo.size)},
            content=photo.chunks(),
            extensions={"timeout": self._limits},
        )
        try:
            response = await self._opened().handle_async_request(request)
            try:
                if response.status_code // 100 != 2:
                    raise await _refusal(response, host)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            raise ServerUnreachable(
                f"{host} did not take the photo ({type(error).__name__})."
            ) from None  # its request has the signature

    def _opened(self) -> httpx.AsyncHTTPTransport:
        if self._transport is None:
            self._transport = httpx.AsyncHTTPTransport()
        return self._transport


async def _refusal(response: httpx.Response, host: str) -> StagingError:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _MOST_REFUSAL:
            break
    if response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        return error_of(response.status_code, response.headers, body)
    if response.status_code >= 500:
        return ServerUnreachable(f"{host} answers {response.status_code} for the photo.")
    return AnswerNotUnderstood(f"{host} answers {response.status_code} for the photo.")
