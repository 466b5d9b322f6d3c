"""``dict:`` keeps objects in a dictionary; all is gone when it closes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager

from staging_core.errors import ObjectChanged, ObjectMissing, StorageFull
from staging_core.interfaces import OpenContext
from staging_core.models import ByteRange, Stored, check_key, check_prefix
from staging_core.urls import BackendURL


class DictStorage:
    """Implements ``Storage``; full when one object has more than ``limit`` bytes."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._objects: dict[str, tuple[Stored, bytes]] = {}

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        """Gather the bytes; the object appears when they are all there."""
        check_key(key)
        gathered = bytearray()
        async for chunk in data:
            gathered += chunk
            if len(gathered) > self._limit:
                raise StorageFull(f"There is no room for {key}.")
        etag = hashlib.sha256(gathered).hexdigest()
        stored = Stored(key=key, size=len(gathered), etag=etag, content_type=content_type)
        self._objects[key] = (stored, bytes(gathered))
        return stored

    @asynccontextmanager
    async def read(
        self, key: str, *, span: ByteRange | None = None, etag: str | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Give the bytes that were there when reading began."""
        if check_key(key) not in self._objects:
            raise ObjectMissing(f"There is no object {key}.")
        stored, data = self._objects[key]
        if etag not in (None, stored.etag):
            raise ObjectChanged(f"The object {key} is another by now.")
        yield _pieces(data[span.start : span.end] if span else data)

    async def stat(self, key: str) -> Stored | None:
        """What ``put`` said of it."""
        return self._objects[key][0] if check_key(key) in self._objects else None

    async def delete(self, key: str) -> None:
        """Forget it."""
        self._objects.pop(check_key(key), None)

    async def entries(self, prefix: str) -> AsyncIterator[Stored]:
        """In key order."""
        check_prefix(prefix)
        for _, (stored, _) in sorted(self._objects.items()):
            if stored.key.startswith(prefix):
                yield stored


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 1 << 20):
        yield data[start : start + (1 << 20)]


@asynccontextmanager
async def open_dict(url: BackendURL, context: OpenContext) -> AsyncIterator[DictStorage]:
    """Open ``dict:`` or ``dict:?limit_bytes=N``."""
    yield DictStorage(float(url.options.get("limit_bytes", "inf")))
