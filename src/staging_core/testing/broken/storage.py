"""Storages that break one sentence each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from staging_core.backends.fsspec_storage import MemoryStorage
from staging_core.errors import InvalidKey, ObjectMissing, StorageFull
from staging_core.models import ByteRange, Stored
from staging_core.testing.conformance import StorageConformance

from .row import Broken, broken, fresh


class InMemory(MemoryStorage):
    """The sound storage that the broken ones are made of."""

    def __init__(self, limit_bytes: int | None = None) -> None:
        super().__init__(clock=time.time, limit_bytes=limit_bytes)


class RefusesDots(InMemory):
    """Takes two dots anywhere in a key for an attack."""

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        if ".." in key:
            raise InvalidKey(f"{key!r} has two dots.")
        return await super().put(key, data, content_type=content_type)


class ForgivesSlashes(InMemory):
    """Takes ``a/`` for ``a``."""

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        return await super().put(key.rstrip("/"), data, content_type=content_type)


class StopsAtAnEmptyChunk(InMemory):
    """Takes an empty chunk for the end."""

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        return await super().put(key, self._until_empty(data), content_type=content_type)

    async def _until_empty(self, data: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for chunk in data:
            if not chunk:
                return
            yield chunk


class DoesNotTruncate(InMemory):
    """Writes over the old bytes and leaves their tail."""

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        old = self._objects[key][1] if key in self._objects else b""
        return await super().put(key, self._with_tail(data, old), content_type=content_type)

    async def _with_tail(self, data: AsyncIterable[bytes], old: bytes) -> AsyncIterator[bytes]:
        written = 0
        async for chunk in data:
            written += len(chunk)
            yield chunk
        yield old[written:]


class AnnouncesItself(InMemory):
    """Creates an empty object before the bytes come."""

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        fresh_key = await self.stat(key) is None
        if fresh_key:
            self._keep(key, b"", content_type)
        try:
            return await super().put(key, data, content_type=content_type)
        except BaseException:
            if fresh_key:
                await self.delete(key)
            raise


class ReadsByRange(InMemory):
    """Looks the object up again for every chunk."""

    @asynccontextmanager
    async def read(
        self, key: str, *, span: ByteRange | None = None, etag: str | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        self._existing(key, etag)
        yield self._pieces(key, span or ByteRange())

    async def _pieces(self, key: str, span: ByteRange) -> AsyncIterator[bytes]:
        position = span.start
        while chunk := self._existing(key, None)[1][: span.end][position : position + (1 << 20)]:
            position += len(chunk)
            yield chunk


class MixesRivals(InMemory):
    """Two puts of one key write into one buffer."""

    def __init__(self) -> None:
        super().__init__()
        self._buffers: dict[str, list[bytes]] = {}  # one slot for the chunk at hand

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        shared = self._buffers.setdefault(key, [])
        try:
            return await super().put(key, self._shared(data, shared), content_type=content_type)
        finally:
            self._buffers.pop(key, None)

    async def _shared(
        self, data: AsyncIterable[bytes], shared: list[bytes]
    ) -> AsyncIterator[bytes]:
        async for chunk in data:
            shared[:] = [chunk]
            await asyncio.sleep(0)
            yield shared[-1]


class KeepsWhatItGot(InMemory):
    """Keeps the first half when the data raises ``stops_at``."""

    stops_at: type[BaseException] = Exception

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        raised: list[BaseException] = []
        stored = await super().put(key, self._half(data, raised), content_type=content_type)
        for error in raised:
            raise error
        return stored

    async def _half(
        self, data: AsyncIterable[bytes], raised: list[BaseException]
    ) -> AsyncIterator[bytes]:
        try:
            async for chunk in data:
                yield chunk
        except self.stops_at as error:
            raised.append(error)


class KeepsWhatItGotWhenCancelled(KeepsWhatItGot):
    """Keeps the first half when the put is cancelled."""

    stops_at = asyncio.CancelledError


class SaysOSErrorWhenFull(InMemory):
    """Lets the driver's error through."""

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        try:
            return await super().put(key, data, content_type=content_type)
        except StorageFull as error:
            raise OSError(28, "No space left on device") from error


class Hoards(InMemory):
    """Gathers the chunks, then more of them."""

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        chunks = [chunk async for chunk in data]
        copies = [b"".join(chunks) for _ in range(3)]
        return await super().put(key, _sent(copies[0]), content_type=content_type)


class ReadsAtOnce(InMemory):
    """Gives the whole object as one chunk."""

    @asynccontextmanager
    async def read(
        self, key: str, *, span: ByteRange | None = None, etag: str | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        data = self._existing(key, etag)[1]
        yield _sent(data[span.start : span.end] if span else data)


class SpanIsInclusive(InMemory):
    """Counts the end of a span in."""

    @asynccontextmanager
    async def read(
        self, key: str, *, span: ByteRange | None = None, etag: str | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        if span and span.end is not None:
            span = ByteRange(start=span.start, end=span.end + 1)
        async with super().read(key, span=span, etag=etag) as chunks:
            yield chunks


class EmptyWhenAbsent(InMemory):
    """Reads nothing where nothing is."""

    @asynccontextmanager
    async def read(
        self, key: str, *, span: ByteRange | None = None, etag: str | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        try:
            async with super().read(key, span=span, etag=etag) as chunks:
                yield chunks
        except ObjectMissing:
            yield _sent(b"")


class IgnoresTheEtag(InMemory):
    """Reads whatever is there."""

    @asynccontextmanager
    async def read(
        self, key: str, *, span: ByteRange | None = None, etag: str | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        async with super().read(key, span=span) as chunks:
            yield chunks


class KeepsTheFirstType(InMemory):
    """Replaces the bytes and forgets to replace their type."""

    def _keep(self, key: str, data: bytes, content_type: str) -> Stored:
        known = self._objects.get(key)
        return super()._keep(key, data, known[0].content_type if known else content_type)

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        stored = await super().put(key, data, content_type=content_type)
        return msgspec.structs.replace(stored, content_type=content_type)


class ShortEtag(InMemory):
    """An etag of four bits."""

    def _keep(self, key: str, data: bytes, content_type: str) -> Stored:
        stored = super()._keep(key, data, content_type)
        stored = msgspec.structs.replace(stored, etag=f"{sum(data[:1]) % 16:x}")
        self._objects[key] = (stored, data)
        return stored


class DeletesOnce(InMemory):
    """Complains when there is nothing to delete."""

    async def delete(self, key: str) -> None:
        self._existing(key, None)
        await super().delete(key)


class Unsorted(InMemory):
    """Lists in the order of writing."""

    async def entries(self, prefix: str) -> AsyncIterator[Stored]:
        for key, (stored, _) in list(self._objects.items()):
            if key.startswith(prefix):
                yield stored


class PrefixIsAFolder(InMemory):
    """Lists ``a/b`` for the prefix ``a``, but not ``ab``."""

    async def entries(self, prefix: str) -> AsyncIterator[Stored]:
        folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        async for stored in super().entries(""):
            if stored.key.startswith(folder):
                yield stored


class CopyForgetsTheType(InMemory):
    """Copies the bytes only."""

    async def copy(self, source: str, target: str, *, etag: str) -> Stored:
        stored = await super().copy(source, target, etag=etag)
        return self._keep(stored.key, self._objects[target][1], "application/octet-stream")


class CopyIgnoresTheEtag(InMemory):
    """Copies whatever is there."""

    async def copy(self, source: str, target: str, *, etag: str) -> Stored:
        stored = await self.stat(source)
        return await super().copy(source, target, etag=stored.etag if stored else etag)


class FolderReplacesFile(InMemory):
    """Removes ``a`` when ``a/b`` comes."""

    def _keep(self, key: str, data: bytes, content_type: str) -> Stored:
        parts = key.split("/")
        for length in range(1, len(parts)):
            self._objects.pop("/".join(parts[:length]), None)
        return super()._keep(key, data, content_type)


async def _sent(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data


def _storage(backend: type[MemoryStorage], *fails: str, **attributes: Any) -> Broken:
    return broken(StorageConformance, backend, *fails, **{**SOUND, **attributes})


SOUND = {"keeps_in_memory": True, "full_url": "memory:?limit_bytes=4000000"}

BROKEN_STORAGES = (
    _storage(RefusesDots, "test_every_good_key_can_be_used"),
    _storage(ForgivesSlashes, "test_other_keys_are_invalid_in_every_method"),
    _storage(StopsAtAnEmptyChunk, "test_put_keeps_the_bytes"),
    _storage(DoesNotTruncate, "test_put_replaces_what_was_there"),
    _storage(AnnouncesItself, "test_nobody_sees_a_half_written_object"),
    _storage(ReadsByRange, "test_a_reader_never_sees_a_mixture"),
    _storage(MixesRivals, "test_of_two_puts_at_once_one_wins_whole"),
    _storage(KeepsWhatItGot, "test_nothing_stays_when_the_data_raises"),
    _storage(KeepsWhatItGotWhenCancelled, "test_nothing_stays_when_the_put_is_cancelled"),
    _storage(
        SaysOSErrorWhenFull,
        "test_a_full_storage_says_so_and_keeps_nothing",
        full_url=staticmethod(fresh(lambda: SaysOSErrorWhenFull(limit_bytes=4_000_000))),
    ),
    _storage(Hoards, "test_a_large_object_costs_little_memory"),
    _storage(ReadsAtOnce, "test_reading_goes_in_chunks"),
    _storage(SpanIsInclusive, "test_a_span_gives_its_bytes"),
    _storage(EmptyWhenAbsent, "test_reading_what_is_absent_is_object_missing"),
    _storage(IgnoresTheEtag, "test_reading_another_etag_is_object_changed"),
    _storage(KeepsTheFirstType, "test_stat_tells_what_put_told"),
    _storage(ShortEtag, "test_other_bytes_have_another_etag"),
    _storage(DeletesOnce, "test_delete_removes_and_may_be_repeated"),
    _storage(Unsorted, "test_entries_lists_by_prefix_in_key_order"),
    _storage(PrefixIsAFolder, "test_entries_lists_by_prefix_in_key_order"),
    _storage(CopyForgetsTheType, "test_a_copy_is_an_object_of_its_own"),
    _storage(CopyIgnoresTheEtag, "test_a_copy_of_a_changed_source_is_object_changed"),
    _storage(FolderReplacesFile, "test_a_key_beside_its_own_folder_harms_nothing"),
)
