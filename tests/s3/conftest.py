"""One S3 server for a module, and a bucket of its own for each test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from staging_core.backends.s3_storage import S3Storage, open_s3
from staging_core.testing import FakeContext
from staging_core.testing.s3 import S3Process
from staging_core.urls import BackendURL

Open = Callable[..., AbstractAsyncContextManager[S3Storage]]


@pytest.fixture(scope="package")
def server() -> Iterator[S3Process]:
    with S3Process() as running:
        yield running


@pytest.fixture
def bucket() -> str:
    return f"photos-{uuid.uuid4().hex[:12]}"


@pytest.fixture(autouse=True)
def no_credentials_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture
def opened(server: S3Process, bucket: str, tmp_path: Path) -> Open:
    """Opens the bucket; ``secrets`` and the URL's options as told."""

    def open_bucket(
        *, secrets: dict[str, str] | None = None, url: str | None = None, **options: str
    ) -> AbstractAsyncContextManager[S3Storage]:
        context = FakeContext(tmp_path, secrets={**server.secrets, **(secrets or {})})
        place = url or server.url(bucket, "staging", **options)
        return open_s3(BackendURL.parse(place), context)

    return open_bucket
