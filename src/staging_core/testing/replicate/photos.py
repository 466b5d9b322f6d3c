"""The pictures that models work on: fetched from the given URL and nowhere else."""

from __future__ import annotations

import asyncio
import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from .blobs import Blobs
from .files import Files
from .model import Model
from .pictures import photo_size

if TYPE_CHECKING:
    import httpx

INPUTS = "/delivery/inputs/"
_MOST_BYTES = 100 * 2**20
# Shorter data URIs are shown as they came.
_SHORT = 1000


class CannotFetch(Exception):
    """The input's picture is not to be had; the message ends the prediction."""


class Photos:
    """``files``: those of the files API, which need no token from inside."""

    def __init__(self, blobs: Blobs, files: Files) -> None:
        self._blobs, self._files = blobs, files
        self._client: httpx.AsyncClient | None = None
        self._seen: set[str] = set()

    def path(self, name: str) -> Path:
        """Where a fetched picture lies."""
        return self._blobs.path(name)

    def kept(self, given: dict[str, Any], outputs_url: str) -> dict[str, Any]:
        """The input to keep and to show: long data URIs became URLs of the provider's own copy."""
        return {name: self._shown(value, outputs_url) for name, value in given.items()}

    async def look_at(self, name: str) -> None:
        """``OSError`` unless it is a picture; the same one is decoded once."""
        if name not in self._seen:
            await asyncio.to_thread(photo_size, self.path(name))
            self._seen.add(name)

    async def first_of(self, model: Model, given: dict[str, Any]) -> str | None:
        """The name of the first picture of an input; ``None`` when it has none."""
        value = given.get(model.picture.name)
        url = value[0] if isinstance(value, list) and value else value
        return await self._fetched(url) if url else None

    def _shown(self, value: Any, outputs_url: str) -> Any:
        if isinstance(value, list):
            return [self._shown(one, outputs_url) for one in value]
        if not (isinstance(value, str) and value.startswith("data:") and len(value) > _SHORT):
            return value
        try:
            return f"{outputs_url}{INPUTS}{self._blobs.put(_decoded(value))}"
        except CannotFetch:
            return value

    async def _fetched(self, url: str) -> str:
        if url.startswith("data:"):
            return self._blobs.put(_decoded(url))
        path = urlsplit(url).path
        if path.startswith(INPUTS):
            return path.removeprefix(INPUTS)
        if file := self._files.by_url(url):
            return file.blob
        data = await self._downloaded(url)
        return await asyncio.to_thread(self._blobs.put, data)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client:
            await self._client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        """Made late: most tests give their pictures as data."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=30)
        return self._client

    async def _downloaded(self, url: str) -> bytes:
        import httpx

        try:
            async with self._opened().stream("GET", url) as answer:
                if answer.status_code != 200:
                    raise CannotFetch(f"The input answered {answer.status_code}.")
                data = bytearray()
                async for piece in answer.aiter_bytes():
                    data += piece
                    if len(data) > _MOST_BYTES:
                        raise CannotFetch("The input is larger than 100 MB.")
                return bytes(data)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CannotFetch(f"The input could not be fetched: {type(error).__name__}.") from error


def _decoded(url: str) -> bytes:
    head, _, data = url.partition(",")
    if not head.endswith(";base64"):
        return unquote_to_bytes(data)
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise CannotFetch("The input's data URI is not base64.") from error
