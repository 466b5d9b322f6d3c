"""Requests to one server: named, bounded, tried again where that is safe, and never redirected."""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from platform import python_version
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import msgspec

from staging_core import __version__
from staging_core.creation import check_key
from staging_core.errors import (
    AnswerNotUnderstood,
    BadInput,
    ServerUnreachable,
    StagingError,
)

from .address import checked_address, is_loopback
from .asked import Asked, as_json
from .patience import Patience
from .problem import error_of

API = "/api/v1"
MOST_JSON = 64 << 20
"""Bytes of an answer that is held in memory; a list of 200 images has far less."""

_MOST_REFUSAL = 1 << 20
_CONNECT_S = 10.0
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

T = TypeVar("T")


class Told(msgspec.Struct, Generic[T], frozen=True):
    """An answer. ``replayed``: of an earlier call under the caller's own idempotency key."""

    value: T
    replayed: bool = False


class Wire:
    """One server, and the token for it, which nothing here ever shows. Open while the block runs.

    ``timeout_s``: how long the server may be silent, and an answer may take once it has begun.
    ``patience_s``: how long a call is tried again. ``BadInput`` for an address or a token that
    cannot be.
    """

    def __init__(self, url: str, token: object, *, timeout_s: float, patience_s: float) -> None:
        self.base = checked_address(url)
        if token is not None and (not isinstance(token, str) or not _TOKEN.fullmatch(token)):
            raise BadInput("The token is not one.", remedy="Give it as it was shown: sk_stg_...")
        if not (timeout_s > 0 and patience_s >= 0):
            raise BadInput("`timeout_s` is more than 0 seconds, `patience_s` not less than 0.")
        self._token = token
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._client: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"Wire({self.base!r})"

    def open(self) -> None:
        """Make ready; nobody is connected yet."""
        if self._client is not None:
            raise StagingError("This connection is open already.", remedy="Open it once, share it.")
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            # A proxy of the environment is never told what stays on this machine.
            trust_env=not is_loopback(urlsplit(self.base).hostname),
            timeout=httpx.Timeout(self._timeout_s, connect=min(_CONNECT_S, self._timeout_s)),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # --- calls ------------------------------------------------------------------------------------

    async def get(self, shape: type[T], path: str, query: Mapping[str, str] = {}) -> T:
        """What a GET answers."""
        return await self.call(shape, Asked(method="GET", path=path, query=query))

    async def create(
        self,
        shape: type[T],
        path: str,
        body: Any = None,
        *,
        key: str | None,
        asked: Asked | None = None,
    ) -> Told[T]:
        """What a POST answers that creates something: once, however often it has to be sent.

        ``key``: the caller's idempotency key; without one it is given one of its own.
        """
        given = check_key(key)
        asked = asked or Asked(method="POST", path=path)
        headers = {**asked.headers, "Idempotency-Key": given or uuid4().hex}
        if body is not None:
            headers["Content-Type"] = "application/json"
            asked = msgspec.structs.replace(asked, content=as_json(body))
        asked = msgspec.structs.replace(asked, headers=headers)

        async def take(response: httpx.Response) -> Told[T]:
            replayed = response.headers.get("idempotent-replayed") == "true"
            return Told(await self._decoded(response, shape), replayed and given is not None)

        return await self._patiently(asked, _whole(take))

    async def send(
        self, shape: type[T], method: str, path: str, body: Any = None, *, repeats: bool = True
    ) -> T:
        """What any other call answers, with a body of JSON or none."""
        content, headers = None, {}
        if body is not None:
            content, headers = as_json(body), {"Content-Type": "application/json"}
        asked = Asked(method=method, path=path, headers=headers, content=content, repeats=repeats)
        return await self.call(shape, asked)

    async def call(self, shape: type[T], asked: Asked) -> T:
        """What the call answers; with ``NoneType``: nothing."""

        async def take(response: httpx.Response) -> T:
            return await self._decoded(response, shape)

        return await self._patiently(asked, _whole(take))

    @asynccontextmanager
    async def opened(self, asked: Asked) -> AsyncIterator[httpx.Response]:
        """The answer, to be read in chunks by ``chunks_of``."""

        async def take(response: httpx.Response) -> httpx.Response:
            return response

        response = await self._patiently(asked, take)
        try:
            yield response
        finally:
            await response.aclose()

    async def chunks_of(self, response: httpx.Response) -> AsyncGenerator[bytes]:
        """The body; ``ServerUnreachable`` where it breaks off."""
        _check_plain(response)
        try:
            async for chunk in response.aiter_raw():
                yield chunk
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    # --- one try ----------------------------------------------------------------------------------

    async def _patiently(self, asked: Asked, take: Callable[[httpx.Response], Awaitable[T]]) -> T:
        patience = Patience(self._patience_s)
        while True:
            try:
                return await self._once(asked, take)
            except StagingError as error:
                await patience.after(error, asked)

    async def _once(self, asked: Asked, take: Callable[[httpx.Response], Awaitable[T]]) -> T:
        client = self._open
        try:
            response = await client.send(self._request(client, asked), stream=True)
            try:
                if not response.is_success:
                    raise await self._refusal(response)
                return await take(response)
            except BaseException:
                await response.aclose()
                raise
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    @property
    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            raise StagingError("This connection is not open.", remedy="Use it inside `async with`.")
        return self._client

    def _request(self, client: httpx.AsyncClient, asked: Asked) -> httpx.Request:
        headers = {
            "Accept": "application/json, application/problem+json, */*;q=0.1",
            "Accept-Encoding": "identity",
            "User-Agent": f"staging-core/{__version__} Python/{python_version()}",
            "traceparent": _traceparent(),
            **asked.headers,
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        timeout: Any = httpx.USE_CLIENT_DEFAULT
        if asked.silence_s is not None:
            timeout = httpx.Timeout(self._timeout_s, read=asked.silence_s)
        content = asked.content
        return client.build_request(
            asked.method,
            f"{self.base}{API}{asked.path}",
            params=asked.query or None,
            headers=headers,
            content=content() if callable(content) else content,
            timeout=timeout,
        )

    async def _refusal(self, response: httpx.Response) -> StagingError:
        body = await self._body(response, _MOST_REFUSAL)
        return error_of(response.status_code, response.headers, body)

    async def _decoded(self, response: httpx.Response, shape: type[T]) -> T:
        """The body as JSON of that shape; what else is in it is left."""
        body = await self._body(response, MOST_JSON)
        if shape is type(None):
            return None
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise AnswerNotUnderstood(f"The server answers with {kind[:80]!r}, which is no JSON.")
        try:
            return msgspec.json.decode(body, type=shape)
        except (msgspec.MsgspecError, ValueError, RecursionError) as wrong:
            raise AnswerNotUnderstood("The server's answer is not what was asked for.") from wrong

    async def _body(self, response: httpx.Response, most: int) -> bytes:
        """All of it, when it comes in time and is no longer than ``most``."""
        _check_plain(response)
        body = bytearray()
        try:
            async with asyncio.timeout(self._timeout_s):
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > most:
                        raise AnswerNotUnderstood(
                            f"The server's answer is longer than {most >> 20} MiB."
                        )
        except TimeoutError as late:
            raise ServerUnreachable("The server took too long for its answer.") from late
        return bytes(body)

    def _unreachable(self, error: httpx.TransportError) -> ServerUnreachable:
        host = urlsplit(self.base).hostname
        return ServerUnreachable(
            f"{host} did not answer as it should ({type(error).__name__}).",
            arrived=not isinstance(error, _NEVER_SENT),
        )


def _whole(
    take: Callable[[httpx.Response], Awaitable[T]],
) -> Callable[[httpx.Response], Awaitable[T]]:
    """Nothing more is wanted of the answer than what ``take`` gives."""

    async def taken(response: httpx.Response) -> T:
        try:
            return await take(response)
        finally:
            await response.aclose()

    return taken


def _check_plain(response: httpx.Response) -> None:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise AnswerNotUnderstood("The server answers with packed content, which nobody asked for.")


def _traceparent() -> str:
    """The trace that the caller is in, where OpenTelemetry knows of one, else a new one (W3C)."""
    propagate: Any = sys.modules.get("opentelemetry.propagate")
    carrier: dict[str, str] = {}
    if propagate is not None:
        propagate.inject(carrier)
    return carrier.get("traceparent") or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
