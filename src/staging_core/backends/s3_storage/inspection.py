"""What ``staging doctor`` looks at in a bucket: rights, addresses, CORS, lifecycle, encryption."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import aiohttp
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from staging_core.errors import ObjectExists, StorageError
from staging_core.models import DownloadGrant, Inspected

from .failure import code_of, explained
from .location import Location
from .rules import cors_findings, encryption_findings, lifecycle_findings

if TYPE_CHECKING:
    from .storage import S3Storage

_DATA = b"staging doctor"
_NOT_SET = {
    *("NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration"),
    "ServerSideEncryptionConfigurationNotFoundError",
}
_REACH_S = 10


async def inspect_bucket(storage: S3Storage, client: Any, at: Location) -> tuple[Inspected, ...]:
    """Everything that was looked at; the rules only where the bucket can be used at all."""
    found = [await _rights(storage)]
    if found[0].level == "wrong":
        return tuple(found)
    found.append(await _address(storage))
    cors = await _asked("CORS", client.get_bucket_cors, at)
    found += [cors] if isinstance(cors, Inspected) else cors_findings(cors)
    rules = await _asked("lifecycle", client.get_bucket_lifecycle_configuration, at)
    found += [rules] if isinstance(rules, Inspected) else lifecycle_findings(rules, at)
    default = await _asked("encryption", client.get_bucket_encryption, at)
    found += [default] if isinstance(default, Inspected) else encryption_findings(default, at)
    return tuple(found)


async def _rights(storage: S3Storage) -> Inspected:
    """Put, look at, read, list and delete an object, and create it twice."""
    key, done = f"doctor/{secrets.token_hex(16)}", "nothing"
    try:
        await storage.put(key, _once(), content_type="text/plain")
        done = "put"
        try:
            await storage.stat(key)
            async with storage.read(key) as chunks:
                _ = [chunk async for chunk in chunks]
            done = "put and read"
            _ = [entry async for entry in storage.entries(key)]
            done = "put, read and list"
            creates = await _creates(storage, key)
        finally:
            await storage.delete(key)
    except StorageError as error:
        message = f"These credentials can do {done}, then: {error.message}"
        return Inspected(name="rights", level="wrong", message=message, remedy=error.remedy)
    if creates:
        message = "put, read, listed and deleted an object"
        return Inspected(name="rights", level="ok", message=message)
    return Inspected(
        name="rights",
        level="advice",
        message="The service replaced an object that was to be created only once.",
        remedy="Let one process at a time run `staging doctor`; nothing else creates.",
    )


async def _creates(storage: S3Storage, key: str) -> bool:
    """Whether the service knows ``If-None-Match``."""
    try:
        await storage.create(key, _once(), content_type="text/plain")
    except ObjectExists:
        return True
    return False


async def _address(storage: S3Storage) -> Inspected:
    """Fetch an object by a signed address, as a browser or a provider would."""
    key = f"doctor/{secrets.token_hex(16)}"
    try:
        await storage.put(key, _once(), content_type="text/plain")
        try:
            url = await storage.presign_download(DownloadGrant(key=key, expires_s=60))
            problem = await _problem(url)
        finally:
            await storage.delete(key)
    except StorageError as error:
        problem = error.message
    if not problem:
        message = "a signed address gave the object"
        return Inspected(name="signed address", level="ok", message=message)
    return Inspected(
        name="signed address",
        level="advice",
        message=f"A signed address cannot be used from here: {problem}",
        remedy="Set `public_endpoint_url` to the address under which others reach the service.",
    )


async def _problem(url: str) -> str:
    limit = aiohttp.ClientTimeout(total=_REACH_S)
    try:
        async with aiohttp.ClientSession(timeout=limit) as session, session.get(url) as answer:
            right = answer.status == 200 and await answer.read() == _DATA
            return "" if right else f"it was answered with {answer.status}."
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return f"{type(error).__name__}."


async def _asked(name: str, call: Callable[..., Awaitable[Any]], at: Location) -> Any:
    """What the bucket has set, ``{}`` for nothing, or why it cannot be seen."""
    try:
        with explained(f"the bucket's {name}"):
            try:
                return await call(Bucket=at.bucket)
            except ClientError as error:
                if code_of(error) in _NOT_SET:
                    return {}
                raise
    except StorageError as error:
        return Inspected(
            name=name,
            level="advice",
            message=f"It cannot be seen: {error.message}",
            remedy=f"Allow it to these credentials, or look at the bucket's {name} yourself.",
        )


async def _once() -> AsyncIterator[bytes]:
    yield _DATA
