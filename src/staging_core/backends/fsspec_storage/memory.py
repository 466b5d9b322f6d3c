"""``memory:`` keeps objects in this process, each opened storage its own.

Not built on fsspec's memory file system: that one is global to the process and hands the same open
file, position included, to every reader. Weak spots: everything is gone when it closes, and an
object costs its whole size in memory. ``memory:?limit_bytes=N`` is full at N bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager

from staging_core.errors import ObjectChanged, ObjectExists, ObjectMissing, StorageFull
from staging_core.models import ByteRange, Stored, check_key, check_prefix

_CHUNK = 1 << 20


class MemoryStorage:
    """Objects in a dictionary; implements ``Storage``, ``Copies`` and ``Creates``."""

    def __init__(self, *, clock: Callable[[], float], limit_bytes: int | None = None) -> None:
        self._clock = clock
        self._limit = limit_bytes
        self._objects: dict[str, tuple[Stored, bytes]] = {}

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        """See ``Storage.put``."""
        check_key(key)
        gathered = bytearray()
        async for chunk in data:
            self._check_room(key, len(gathered) + len(chunk))
            gathered += chunk
        return self._keep(key, bytes(gathered), content_type)

    async def create(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        """See ``Creates.create``."""
        gathered = b"".join([chunk async for chunk in data])
        if check_key(key) in self._objects:
            raise ObjectExists(f"There is an object {key} already.")
        self._check_room(key, len(gathered))
        return self._keep(key, gathered, content_type)

    @asynccontextmanager
    async def read(
        self, key: str, *, span: ByteRange | None = None, etag: str | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See ``Storage.read``."""
        _, data = self._existing(key, etag)
        wanted = memoryview(data)[span.start : span.end] if span else memoryview(data)
        chunks = _chunks(wanted)
        try:
            yield chunks
        finally:
            await chunks.aclose()

    async def stat(self, key: str) -> Stored | None:
        """See ``Storage.stat``."""
        found = self._objects.get(check_key(key))
        return found[0] if found else None

    async def delete(self, key: str) -> None:
        """See ``Storage.delete``."""
        self._objects.pop(check_key(key), None)

    async def entries(self, prefix: str) -> AsyncIterator[Stored]:
        """See ``Storage.entries``."""
        check_prefix(prefix)
        for key in sorted(key for key in self._objects if key.startswith(prefix)):
            found = self._objects.get(key)
            if found:  # deleted meanwhile by whoever consumes this
                yield found[0]

    async def copy(self, source: str, target: str, *, etag: str) -> Stored:
        """See ``Copies.copy``."""
        check_key(target)
        stored, data = self._existing(source, etag)
        self._check_room(target, len(data))
        return self._keep(target, data, stored.content_type)

    def _existing(self, key: str, etag: str | None) -> tuple[Stored, bytes]:
        found = self._objects.get(check_key(key))
        if found is None:
            raise ObjectMissing(f"There is no object {key}.")
        if etag is not None and etag != found[0].etag:
            raise ObjectChanged(f"The object {key} is another by now.")
        return found

    def _keep(self, key: str, data: bytes, content_type: str) -> Stored:
        stored = Stored(
            key=key,
            size=len(data),
            etag=hashlib.sha256(data).hexdigest()[:32],
            content_type=content_type,
            modified=self._clock(),
        )
        self._objects[key] = (stored, data)
        return stored

    def _check_room(self, key: str, size: int) -> None:
        if self._limit is None:
            return
        others = sum(stored.size for stored, _ in self._objects.values() if stored.key != key)
        if others + size > self._limit:
            raise StorageFull(f"There is no room left for {key}.")


async def _chunks(data: memoryview) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(data), _CHUNK):
        yield bytes(data[start : start + _CHUNK])
