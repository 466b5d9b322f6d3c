"""Our storages pass the suite that every storage passes."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from staging_core.interfaces import Storage
from staging_core.testing.conformance import StorageConformance


class OnDisk(StorageConformance):
    """A storage of files, also on a disk that takes no file over 4 MB."""

    full_url = "small disk"

    def place(self, home: Path) -> str:
        """The URL of a storage in ``home``."""
        return str(self.url)

    @asynccontextmanager
    async def open(self, home: Path, url: str | None = None) -> AsyncIterator[Storage]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        small = url == self.full_url
        async with super().open(home, self.place(home) if small or not url else url) as storage:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000 if small else soft, hard))
            try:
                yield storage
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestFolder(OnDisk):
    url = "file:"
    bad_urls = ("file:?colour=red", "file:/proc/nobody/writes/here")


class TestMemory(StorageConformance):
    url = "memory:"
    full_url = "memory:?limit_bytes=4000000"
    bad_urls = ("memory:?limit_bytes=much", "memory:?colour=red")
    keeps_in_memory = True


class TestAnyOtherFilesystem(OnDisk):
    bad_urls = ("nobody-knows-this://bucket/prefix",)

    def place(self, home: Path) -> str:
        return f"local://{home}/photos"
