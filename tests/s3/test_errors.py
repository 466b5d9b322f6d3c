"""What goes wrong with a bucket is said in our words, with its remedy and without a secret."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from staging_core.backends.s3_storage import S3Storage, open_s3
from staging_core.errors import (
    BucketMissing,
    ClockSkewed,
    MissingSetting,
    ObjectMissing,
    SettingError,
    StorageDenied,
    StorageError,
    StorageFull,
    StorageUnreachable,
)
from staging_core.models import ByteRange, DownloadGrant, UploadGrant
from staging_core.testing import FakeContext
from staging_core.testing.conformance.bytes_of import got, keys, put, sent
from staging_core.testing.s3 import S3Process
from staging_core.urls import BackendURL

PART = 16 << 20
Open = Callable[..., AbstractAsyncContextManager[S3Storage]]


def error_of_put(opened: Open, **how: object) -> StorageError:
    """What a put into the bucket raises."""

    async def run() -> StorageError:
        async with opened(**how) as storage:
            with pytest.raises(StorageError) as told:
                await put(storage, "a", b"bytes")
            return told.value

    return asyncio.run(run())


def check_calm(error: StorageError) -> None:
    """A remedy; no secret and no driver's text in what people see."""
    assert error.remedy
    for text in (error.message, error.remedy):
        assert "An error occurred" not in text
        assert "wrong-secret" not in text
    assert "wrong-secret" not in "".join(traceback.format_exception(error))


def test_a_wrong_secret_is_denied(opened: Open) -> None:
    error = error_of_put(opened, secrets={"AWS_SECRET_ACCESS_KEY": "wrong-secret"})
    assert isinstance(error, StorageDenied)
    assert "AWS_SECRET_ACCESS_KEY" in error.remedy
    check_calm(error)


def test_an_unknown_key_is_denied(opened: Open) -> None:
    error = error_of_put(opened, secrets={"AWS_ACCESS_KEY_ID": "nobody"})
    assert isinstance(error, StorageDenied)
    assert "InvalidAccessKeyId" in error.message
    check_calm(error)


def test_another_region_is_named(opened: Open) -> None:
    error = error_of_put(opened, region="eu-central-1")
    assert isinstance(error, StorageDenied)
    assert "AWS_REGION" in error.remedy


def test_a_missing_bucket_is_named(opened: Open, server: S3Process) -> None:
    url = server.url("there").replace("s3://there", "s3://not-there")
    assert isinstance(error_of_put(opened, url=url), BucketMissing)


def test_a_clock_that_is_off_is_named(opened: Open, server: S3Process) -> None:
    server.tell(move_s=20 * 60)
    try:
        assert isinstance(error_of_put(opened), ClockSkewed)
    finally:
        server.tell(move_s=-20 * 60)


def test_nobody_at_the_endpoint_is_unreachable(opened: Open) -> None:
    url = "s3://photos?endpoint_url=http://127.0.0.1:9&addressing=path"
    error = error_of_put(opened, url=url)
    assert isinstance(error, StorageUnreachable)
    check_calm(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDenied", StorageDenied),
        ("XMinioStorageFull", StorageFull),
        ("RequestTimeTooSkewed", ClockSkewed),
        ("NotImplemented", StorageError),
    ],
)
def test_what_the_service_says_has_its_kind(
    opened: Open, server: S3Process, code: str, kind: type[StorageError]
) -> None:
    server.tell(fail=code)
    error = error_of_put(opened)
    assert type(error) is kind
    check_calm(error)


def test_what_passes_is_tried_again(opened: Open, server: S3Process) -> None:
    async def run() -> bytes:
        async with opened() as storage:
            server.tell(fail="SlowDown", times=1)
            await put(storage, "a", b"bytes")
            return await got(storage, "a")

    assert asyncio.run(run()) == b"bytes"


def test_a_look_that_is_denied_says_why(opened: Open) -> None:
    """The answer to HEAD has no body: the reason is asked for."""

    async def run() -> None:
        async with opened(secrets={"AWS_SECRET_ACCESS_KEY": "wrong-secret"}) as storage:
            with pytest.raises(StorageDenied, match="SignatureDoesNotMatch"):
                await storage.stat("a")

    asyncio.run(run())


def test_parts_that_fail_leave_nothing_behind(opened: Open, server: S3Process, bucket: str) -> None:
    async def run() -> None:
        async with opened() as storage:
            server.tell()
            putting = storage.put("large", _breaking_after(PART), content_type="image/png")
            with pytest.raises(LookupError):
                await putting
            assert await keys(storage) == []

    asyncio.run(run())
    requests = server.tell()["requests"]
    assert sum("partNumber" in request or "PUT" in request for request in requests) == 1
    assert any(request.startswith("DELETE") for request in requests), "the upload was not aborted"


def test_without_credentials_it_does_not_open(server: S3Process, tmp_path: Path) -> None:
    for secrets, named in (({}, "AWS_ACCESS_KEY_ID"), ({"AWS_ACCESS_KEY_ID": "x"}, "AWS_SECRET")):
        with pytest.raises(MissingSetting, match=named):
            asyncio.run(_open(server.url("photos"), FakeContext(tmp_path, secrets=secrets)))


def test_without_a_region_it_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(MissingSetting) as told:
        asyncio.run(_open("s3://photos", FakeContext(tmp_path)))
    assert "AWS_REGION" in told.value.remedy


@pytest.mark.parametrize(
    "url",
    [
        "s3:",
        "s3://P",
        "s3://photos/a//b",
        "s3://photos?colour=red",
        "s3://photos?region=",
        "s3://photos?addressing=sideways",
        "s3://photos?sse=rot13",
        "s3://photos?kms_key=mine",
        "s3://photos?endpoint_url=https://user:password@host",
        "s3://photos?public_endpoint_url=ftp://host",
    ],
)
def test_a_wrong_url_says_what_is_wrong(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError) as told:
        asyncio.run(_open(url, FakeContext(tmp_path)))
    assert told.value.remedy
    assert "password" not in told.value.message


def test_opening_asks_the_service_nothing(opened: Open, server: S3Process) -> None:
    async def run() -> None:
        async with opened() as storage:
            server.tell()
            grant = UploadGrant(key="a", content_type="image/png", max_bytes=1)
            await storage.presign_upload(grant)

    asyncio.run(run())
    assert server.tell()["requests"] == []


def test_an_address_lasts_at_most_a_week(opened: Open) -> None:
    async def run() -> None:
        async with opened() as storage:
            for seconds in (0.0, 604_801.0):
                with pytest.raises(StorageError, match="seconds"):
                    await storage.presign_download(DownloadGrant(key="a", expires_s=seconds))

    asyncio.run(run())


def test_addresses_are_signed_for_the_public_endpoint(opened: Open) -> None:
    async def run() -> tuple[str, str]:
        async with opened(public_endpoint_url="https://files.example.com") as storage:
            grant = UploadGrant(key="a", content_type="image/png", max_bytes=1)
            ticket = await storage.presign_upload(grant)
            return ticket.url, await storage.presign_download(DownloadGrant(key="a"))

    for url in asyncio.run(run()):
        assert url.startswith("https://files.example.com/photos-")


def test_encryption_is_asked_for_at_every_write(opened: Open) -> None:
    async def run() -> set[str]:
        async with opened(sse="kms", kms_key="key-1") as storage:
            stored = await put(storage, "a", b"bytes")
            await storage.copy("a", "b", etag=stored.etag)
            await storage.put("c", sent(bytes(PART), b"more"), content_type="image/png")
            heads = [await storage._head(key) for key in "abc"]
        return {(head["ServerSideEncryption"], head["SSEKMSKeyId"]) for head in heads}

    assert asyncio.run(run()) == {("aws:kms", "key-1")}


def test_a_span_behind_the_end_is_empty(opened: Open) -> None:
    async def run() -> bytes:
        async with opened() as storage:
            await put(storage, "a", b"bytes")
            with pytest.raises(ObjectMissing):
                await got(storage, "b", span=ByteRange(start=9))
            return await got(storage, "a", span=ByteRange(start=9))

    assert asyncio.run(run()) == b""


async def _open(url: str, context: FakeContext) -> None:
    async with open_s3(BackendURL.parse(url), context):
        pass


async def _breaking_after(size: int) -> AsyncIterator[bytes]:
    yield bytes(size)
    raise LookupError("raised by the caller's data")
