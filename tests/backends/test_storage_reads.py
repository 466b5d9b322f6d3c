"""A read that breaks off is the storage's failure, in our words, wherever it breaks off."""

from __future__ import annotations

import asyncio
import errno
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from staging_core.backends.fsspec_storage import FilesystemStorage, open_storage
from staging_core.errors import StorageError
from staging_core.interfaces import Storage
from staging_core.models import ByteRange
from staging_core.photo import once
from staging_core.testing import FakeContext
from staging_core.urls import BackendURL

LARGE = bytes(3 << 20)  # more than one chunk


async def read(storage: Storage, span: ByteRange | None = None) -> bytes:
    async with storage.read("a.png", span=span) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("breaks_at", [1, 2])
@pytest.mark.parametrize("span", [None, ByteRange(start=5)])
def test_a_folder_whose_disk_fails_in_the_middle_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks_at: int, span: ByteRange | None
) -> None:
    reads = 0

    class Failing(FileIO):
        """A disk that cannot be read any more."""

        def read(self, size: int | None = -1, /) -> Any:
            nonlocal reads
            reads += 1
            if reads >= breaks_at:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    async def scenario() -> None:
        url = BackendURL.parse(f"file:{tmp_path}")
        async with open_storage(url, FakeContext(tmp_path)) as storage:
            await storage.put("a.png", once(LARGE), content_type="image/png")
            monkeypatch.setattr("staging_core.backends.fsspec_storage.folder.FileIO", Failing)
            with pytest.raises(StorageError, match=r"a\.png: Input/output error"):
                await read(storage, span)

    asyncio.run(scenario())


class HttpError(Exception):
    """What a driver of a remote store raises: nothing that we know."""


class BreaksOff:
    """An open file that a store stops to give."""

    def __init__(self, file: Any, at: str) -> None:
        self._file = file
        self._at = at

    def __getattr__(self, name: str) -> Any:
        if name == self._at:
            raise HttpError("503")
        return getattr(self._file, name)


class Remote(MemoryFileSystem):
    """A store whose answers break off."""

    store: dict[str, Any] = {}  # noqa: RUF012 - its own, as the class above has one for all
    at = "nowhere"

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        file = super().open(path, mode, **options)
        return BreaksOff(file, self.at) if mode == "rb" else file


@pytest.mark.parametrize("at", ["seek", "read", "close"])
def test_a_store_that_fails_in_the_middle_says_so(at: str) -> None:
    async def scenario() -> None:
        filesystem = Remote(skip_instance_cache=True)
        storage = FilesystemStorage(filesystem, "/bucket")
        await storage.put("a.png", once(LARGE), content_type="image/png")
        filesystem.at = at
        with pytest.raises(StorageError, match=r"a\.png"):
            await read(storage)

    asyncio.run(scenario())
