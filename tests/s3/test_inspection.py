"""``staging doctor`` looks at the bucket and says what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from staging_core.backends.s3_storage import S3Storage
from staging_core.backends.s3_storage.location import Location
from staging_core.backends.s3_storage.rules import encryption_findings, lifecycle_findings
from staging_core.models import Inspected
from staging_core.photo import StoredPhoto
from staging_core.testing.conformance.bytes_of import put
from staging_core.testing.s3 import S3Process

Open = Callable[..., AbstractAsyncContextManager[S3Storage]]
AT = Location(bucket="photos", root="staging/")
ABORT = {
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
}
CORS = {
    "AllowedOrigins": ["https://app.example.com"],
    "AllowedMethods": ["GET", "PUT"],
    "AllowedHeaders": ["Content-Type", "Cache-*"],
}
ENCRYPTED = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


def found(opened: Open, prepare: Any = None, **options: str) -> dict[str, Inspected]:
    async def run() -> tuple[Inspected, ...]:
        async with opened(**options) as storage:
            if prepare is not None:
                await prepare(storage._client, storage._at.bucket)
            return await storage.inspect()

    return {each.name: each for each in asyncio.run(run())}


async def well_kept(client: Any, bucket: str) -> None:
    await client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [CORS]})
    await client.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [{"ID": "abort", **ABORT}]}
    )
    await client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=ENCRYPTED)


def test_a_well_kept_bucket_is_well(opened: Open) -> None:
    told = found(opened, well_kept)
    assert list(told) == ["rights", "signed address", "CORS", "lifecycle", "encryption"]
    assert {each.level for each in told.values()} == {"ok"}, told


def test_a_bare_bucket_gets_advice(opened: Open) -> None:
    told = found(opened)
    assert told["rights"].level == "ok"
    assert told["CORS"].level == told["lifecycle"].level == told["encryption"].level == "advice"
    assert "content-type" not in told["CORS"].message
    assert "GET, PUT" in told["CORS"].message


def test_missing_rights_end_the_look(opened: Open, server: S3Process) -> None:
    server.tell(fail="AccessDenied")
    told = found(opened)
    assert list(told) == ["rights"]
    assert told["rights"].level == "wrong"
    assert told["rights"].remedy


def test_an_address_that_nobody_reaches_is_told(opened: Open) -> None:
    told = found(opened, public_endpoint_url="http://127.0.0.1:9")
    assert told["signed address"].level == "advice"
    assert "public_endpoint_url" in told["signed address"].remedy


@pytest.mark.parametrize(
    "rule",
    [
        {"Filter": {"Prefix": ""}, "Expiration": {"Days": 30}},
        {"Prefix": "staging/", "Expiration": {"Days": 30}},
        {"Filter": {"And": {"Prefix": "staging/staged/a", "Tags": []}}, "Expiration": {"Date": 1}},
        {"Filter": {"Prefix": "sta"}, "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]},
    ],
)
def test_a_rule_that_takes_pictures_away_is_wrong(rule: dict[str, Any]) -> None:
    told = lifecycle_findings({"Rules": [ABORT, {"ID": "r", "Status": "Enabled", **rule}]}, AT)
    assert [each.level for each in told] == ["wrong"]
    assert "'r'" in told[0].message


@pytest.mark.parametrize(
    "rule",
    [
        {"Status": "Disabled", "Expiration": {"Days": 30}},
        {"Status": "Enabled", "Prefix": "logs/", "Expiration": {"Days": 30}},
        {"Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
        {"Status": "Enabled", "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}]},
    ],
)
def test_other_rules_are_well(rule: dict[str, Any]) -> None:
    assert [each.level for each in lifecycle_findings({"Rules": [ABORT, rule]}, AT)] == ["ok"]


def test_a_default_that_is_not_the_urls_encryption_is_told() -> None:
    at = Location(bucket="photos", root="", sse="kms")
    (told,) = encryption_findings({"ServerSideEncryptionConfiguration": ENCRYPTED}, at)
    assert (told.level, "aws:kms" in told.remedy) == ("advice", True)


def test_a_stored_photo_has_an_address_where_the_storage_signs(opened: Open) -> None:
    async def run() -> str | None:
        async with opened() as storage:
            await put(storage, "working/a.png", b"bytes")
            photo = StoredPhoto(storage, "working/a.png", "image/png", 4, 3, None)
            return await photo.url(600)

    url = asyncio.run(run())
    assert url is not None
    assert "X-Amz-Expires=600" in url
