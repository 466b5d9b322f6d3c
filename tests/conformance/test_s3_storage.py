"""The S3 storage passes the suite, against a server that checks every signature."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from staging_core.interfaces import Storage
from staging_core.testing.conformance import StorageConformance
from staging_core.testing.s3 import S3Process


class TestS3(StorageConformance):
    url = "s3:"
    full_url = "full"
    bad_urls = ("s3:", "s3://photos?colour=red", "s3://photos?endpoint_url=nowhere", "s3://a/../b")
    server: S3Process

    @staticmethod
    def move_clock(seconds: float) -> None:
        TestS3.server.tell(move_s=seconds)

    @asynccontextmanager
    async def open(self, home: Path, url: Any = None) -> AsyncIterator[Storage]:
        if url is None or url == self.full_url:
            place = home / "place"  # the same prefix when it is opened again
            if not place.exists():
                place.write_text(uuid.uuid4().hex)
            bucket = "full" if url else "photos"
            url = self.server.url(bucket, place.read_text())
        if "full" in url:
            self.server.tell(bucket="full", limit_bytes=4_000_000)
        async with super().open(home, url) as storage:
            yield storage


@pytest.fixture(autouse=True, scope="module")
def serving() -> Iterator[None]:
    with S3Process() as server:
        TestS3.server = server
        TestS3.secrets = server.secrets
        yield
