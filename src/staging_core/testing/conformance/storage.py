"""The contract of ``Storage``."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from staging_core.errors import InvalidKey, ObjectChanged, ObjectMissing, StorageError, StorageFull
from staging_core.interfaces import (
    Copies,
    Creates,
    PresignsDownloads,
    PresignsUploads,
    Storage,
    supports,
)
from staging_core.models import ByteRange, DownloadGrant, UploadGrant

from .base import check
from .bytes_of import got, keys, put, same, sent
from .storage_capabilities import StorageCapabilities

GOOD_KEYS = ("a", "A1._-", "a/b.png", "..a/...", "0" * 200, "/".join(["k" * 127] * 4))
BAD_KEYS = (
    *("", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "~a", "a b"),
    *("a\\b", "a\n", "a\x00", "ä", "a%2e", "k" * 201, "/".join(["k" * 128] * 4)),
)
_TYPES = ("image/png", "image/jpeg", "text/x-unheard-of")


class StorageConformance(StorageCapabilities):
    """``url`` names the storage.

    ``keeps_in_memory``: it cannot outlive its process. ``full_url``: the same storage with room for
    less than 4 MiB; without it nobody can see what happens when it is full, and that check skips.
    """

    keeps_in_memory: ClassVar[bool] = False
    full_url: ClassVar[Any] = None

    # --- keys ---------------------------------------------------------------------------------

    @check("1..512 characters of letters, digits, ``._-`` and single slashes")
    async def test_every_good_key_can_be_used(self, storage: Storage) -> None:
        for key in GOOD_KEYS:
            await put(storage, key, key.encode())
            assert await got(storage, key) == key.encode()
            await storage.delete(key)

    @check("A key has no empty part, none over 200 characters and none that is ``.`` or ``..``")
    async def test_other_keys_are_invalid_in_every_method(self, storage: Storage) -> None:
        for key in BAD_KEYS:
            for call in _calls(storage, key):
                with pytest.raises(InvalidKey):
                    await call()

    @check("Objects outlive the opened storage, unless it keeps them in memory", opened=False)
    async def test_objects_are_there_when_it_is_opened_again(self, home: Path) -> None:
        if self.keeps_in_memory:
            return
        async with self.open(home) as storage:
            kept = [await put(storage, f"again/{kind}", b"kept", kind) for kind in _TYPES]
        async with self.open(home) as storage:
            for stored in kept:
                assert same(await storage.stat(stored.key), stored)
                assert await got(storage, stored.key, etag=stored.etag) == b"kept"

    # --- put ----------------------------------------------------------------------------------

    @check("Keep the bytes under ``key``")
    async def test_put_keeps_the_bytes(self, storage: Storage) -> None:
        for chunks in ((), (b"",), (b"a", b"", b"bc"), (bytes(range(256)) * 9000, b"end")):
            stored = await storage.put("a/b.png", sent(*chunks), content_type="image/png")
            whole = b"".join(chunks)
            assert (stored.key, stored.size) == ("a/b.png", len(whole))
            assert await got(storage, "a/b.png") == whole

    @check("replacing what was there")
    async def test_put_replaces_what_was_there(self, storage: Storage) -> None:
        for data in (b"first, and longer", b"second"):
            await put(storage, "a", data)
        assert await got(storage, "a") == b"second"
        assert await keys(storage) == ["a"]

    @check("Atomic to readers: they see the old object or the whole new one")
    async def test_nobody_sees_a_half_written_object(self, storage: Storage) -> None:
        old = await put(storage, "old", b"old")
        midway, resume = asyncio.Semaphore(0), asyncio.Event()
        puts = [
            asyncio.create_task(storage.put(key, _paused(midway, resume), content_type="image/png"))
            for key in ("old", "new")
        ]
        for _ in puts:
            await midway.acquire()
        assert same(await storage.stat("old"), old)
        assert await got(storage, "old") == b"old"
        assert await storage.stat("new") is None
        assert await keys(storage) == ["old"]
        resume.set()
        await asyncio.gather(*puts)
        assert await got(storage, "old") == await got(storage, "new") == b"half" * 2

    @check("Atomic to readers: they see the old object or the whole new one")
    async def test_a_reader_never_sees_a_mixture(self, storage: Storage) -> None:
        old, new = b"o" * 3_000_000, b"n" * 3_000_000
        await put(storage, "a", old)
        async with storage.read("a") as chunks:
            first = await anext(chunks)
            await put(storage, "a", new)
            rest = b"".join([chunk async for chunk in chunks])
        assert first + rest in (old, new)

    @check("Atomic to readers: they see the old object or the whole new one")
    async def test_of_two_puts_at_once_one_wins_whole(self, storage: Storage) -> None:
        both = [b"1" * 300_000, b"2" * 300_000]
        await asyncio.gather(
            *(storage.put("a", sent(data[:7], data[7:]), content_type="image/png") for data in both)
        )
        assert await got(storage, "a") in both
        assert await keys(storage) == ["a"]

    @check("When ``data`` raises")
    async def test_nothing_stays_when_the_data_raises(self, storage: Storage) -> None:
        await put(storage, "old", b"old")
        for key in ("old", "new"):
            with pytest.raises(LookupError, match="caller"):
                await storage.put(key, _breaking(), content_type="image/png")
        assert await keys(storage) == ["old"]
        assert await got(storage, "old") == b"old"

    @check("nothing of the new bytes stays")
    async def test_nothing_stays_when_the_put_is_cancelled(self, storage: Storage) -> None:
        midway = asyncio.Semaphore(0)
        putting = asyncio.create_task(
            storage.put("new", _paused(midway, asyncio.Event()), content_type="image/png")
        )
        await midway.acquire()
        putting.cancel()
        await asyncio.wait([putting])
        assert putting.cancelled()
        assert await keys(storage) == []

    @check("or the storage is full (``StorageFull``)", opened=False)
    async def test_a_full_storage_says_so_and_keeps_nothing(self, home: Path) -> None:
        if self.full_url is None:
            pytest.skip("no `full_url` is named")
        async with self.open(home, self.full_url) as storage:
            await put(storage, "old", b"old")
            for key in ("old", "new"):
                with pytest.raises(StorageFull):
                    await storage.put(key, _endless(8 << 20), content_type="image/png")
            assert await keys(storage) == ["old"]
            assert await got(storage, "old") == b"old"

    @check("Streams in bounded memory")
    async def test_a_large_object_costs_little_memory(self, storage: Storage) -> None:
        size = 48 << 20
        tracemalloc.start()
        try:
            await storage.put("large", _endless(size), content_type="image/png")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        allowed = 16 << 20
        if self.keeps_in_memory:
            allowed += 5 * size // 2  # itself, and once more while it is put together
        assert peak < allowed, f"{peak >> 20} MiB for an object of {size >> 20} MiB"

    @check("A storage of files may refuse, with ``StorageError``, ``a`` beside ``a/b``.")
    async def test_a_key_beside_its_own_folder_harms_nothing(self, storage: Storage) -> None:
        for first, second in (("a", "a/b"), ("c/d", "c")):
            await put(storage, first, b"first")
            refused = False
            try:
                await put(storage, second, b"second")
            except StorageError:
                refused = True
            assert await got(storage, first) == b"first"
            assert refused == (await storage.stat(second) is None)
        assert set(await keys(storage)) <= {"a", "a/b", "c/d", "c"}

    # --- read ---------------------------------------------------------------------------------

    @check("The object's bytes in chunks")
    async def test_reading_goes_in_chunks(self, storage: Storage) -> None:
        data = bytes(8 << 20)
        await put(storage, "a", data)
        async with storage.read("a") as chunks:
            sizes = [len(chunk) async for chunk in chunks]
        assert sum(sizes) == len(data)
        assert max(sizes) <= 4 << 20

    @check("or those of ``span`` (an end past the object's is cut)")
    async def test_a_span_gives_its_bytes(self, storage: Storage) -> None:
        data = bytes(range(256)) * 10_000
        await put(storage, "a", data)
        for start, end in ((0, 1), (5, 300), (1_500_000, 2_500_000), (7, None), (9, 10**9)):
            assert await got(storage, "a", span=ByteRange(start=start, end=end)) == data[start:end]

    @check("Entering raises ``ObjectMissing``")
    async def test_reading_what_is_absent_is_object_missing(self, storage: Storage) -> None:
        await put(storage, "folder/a", b"a")
        for key in ("absent", "folder", "folder/b", "absent/deeper"):
            with pytest.raises(ObjectMissing):
                await got(storage, key)

    @check("``ObjectChanged`` when ``etag`` is given and differs")
    async def test_reading_another_etag_is_object_changed(self, storage: Storage) -> None:
        first = await put(storage, "a", b"1st")
        assert await got(storage, "a", etag=first.etag) == b"1st"
        await put(storage, "a", b"2nd")
        with pytest.raises(ObjectChanged):
            await got(storage, "a", etag=first.etag)

    # --- stat, delete, entries ------------------------------------------------------------------

    @check("What is known of the object; None when there is none.")
    async def test_stat_tells_what_put_told(self, storage: Storage) -> None:
        for kind in _TYPES:
            stored = await put(storage, "folder/a.png", b"abc", kind)
            assert (stored.size, stored.content_type) == (3, kind)
            assert same(await storage.stat("folder/a.png"), stored)
        for key in ("folder", "folder/a", "absent", "folder/a.png/deeper"):
            assert await storage.stat(key) is None

    @check("``etag`` changes whenever its bytes do")
    async def test_other_bytes_have_another_etag(self, storage: Storage) -> None:
        etags = [(await put(storage, "a", bytes([number]))).etag for number in range(20)]
        assert len(set(etags)) == len(etags)

    @check("Remove the object. Absent: done, no error.")
    async def test_delete_removes_and_may_be_repeated(self, storage: Storage) -> None:
        await put(storage, "folder/a", b"a", "text/x-unheard-of")
        await put(storage, "folder/b", b"b")
        for _ in range(2):
            await storage.delete("folder/a")
            assert await storage.stat("folder/a") is None
        await storage.delete("absent/deeper")
        assert await keys(storage) == ["folder/b"]

    @check('All objects whose key starts with ``prefix`` (``""``: all), in key order.')
    async def test_entries_lists_by_prefix_in_key_order(self, storage: Storage) -> None:
        known = ["a-b", "a.b", "a/b/c", "a/b/d.png", "a/bc", "a0", "ab/c", "b", "z/z/z"]
        stored = {key: await put(storage, key, key.encode()) for key in reversed(known)}
        for prefix in ("", "a", "a/", "a/b", "a/b/", "a/b/c", "z/z", "none", "b/"):
            listed = [entry async for entry in storage.entries(prefix)]
            expected = [stored[key] for key in known if key.startswith(prefix)]
            assert len(listed) == len(expected)
            for entry, one in zip(listed, expected, strict=True):
                assert same(entry, replace(one, content_type=entry.content_type))

    @check("Where a listing tells no types, an entry's may be the default one.")
    async def test_an_entry_has_its_type_or_the_default(self, storage: Storage) -> None:
        for number, kind in enumerate(_TYPES):
            await put(storage, f"a/{number}", b"a", kind)
        async for entry in storage.entries("a/"):
            known = _TYPES[int(entry.key[2:])]
            assert entry.content_type in (known, "application/octet-stream")


def _calls(storage: Storage, key: str) -> list[Callable[[], Awaitable[object]]]:
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: put(storage, key, b"x"),
        lambda: got(storage, key),
        lambda: storage.stat(key),
        lambda: storage.delete(key),
    ]
    if copies := supports(storage, Copies):
        calls.append(lambda: copies.copy(key, "target", etag="e"))
    if creates := supports(storage, Creates):
        calls.append(lambda: creates.create(key, sent(b"x"), content_type="image/png"))
    if uploads := supports(storage, PresignsUploads):
        grant = UploadGrant(key=key, content_type="image/png", max_bytes=1)
        calls.append(lambda: uploads.presign_upload(grant))
    if downloads := supports(storage, PresignsDownloads):
        calls.append(lambda: downloads.presign_download(DownloadGrant(key=key)))
    return calls


async def _paused(midway: asyncio.Semaphore, resume: asyncio.Event) -> AsyncIterator[bytes]:
    yield b"half"
    midway.release()
    await resume.wait()
    yield b"half"


async def _breaking() -> AsyncIterator[bytes]:
    yield b"half"
    raise LookupError("raised by the caller's data")


async def _endless(size: int) -> AsyncIterator[bytes]:
    for _ in range(size >> 18):
        yield bytes(1 << 18)
