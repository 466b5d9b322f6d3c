"""Fetching what the issuer publishes: little, in JSON, from where it was said, or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec

MOST_BYTES = 1 << 20
_SILENCE_S = 10.0  # the limit that counts is the key set's, over everything
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


class NotAnswered(Exception):
    """The issuer did not answer as it must. ``missing``: it has no such document."""

    def __init__(self, message: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


class Fetching:
    """A client that is made at the first fetch. ``proxied``: whether the environment's proxies are
    used, which an issuer on this machine is never asked through."""

    def __init__(self, *, proxied: bool) -> None:
        self._proxied = proxied
        self._client: httpx.AsyncClient | None = None

    async def json(self, url: str) -> dict[str, Any]:
        """The JSON object at ``url``; ``NotAnswered`` for everything else, without redirects."""
        if self._client is None:
            # Reading a hundred and some certificates takes a while.
            self._client = await asyncio.to_thread(self._made)
        try:
            async with self._client.stream("GET", url, headers=_HEADERS) as response:
                body = await _body(response, url)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NotAnswered(f"{url} cannot be reached ({type(error).__name__})") from error
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError) as error:
            raise NotAnswered(f"{url} answers with no JSON object", missing=True) from error

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _made(self) -> httpx.AsyncClient:
        unkept = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncClient(trust_env=self._proxied, timeout=_SILENCE_S, limits=unkept)


async def _body(response: httpx.Response, url: str) -> bytes:
    if response.status_code != 200:
        missing = response.status_code in (404, 410)
        raise NotAnswered(f"{url} answers {response.status_code}", missing=missing)
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise NotAnswered(f"{url} answers with packed content, which nobody asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MOST_BYTES:
            raise NotAnswered(f"{url} answers with more than {MOST_BYTES >> 10} KiB")
    return bytes(body)
