"""Objects in a bucket."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from staging_core.errors import ObjectChanged, ObjectExists, ObjectMissing
from staging_core.models import (
    ByteRange,
    DownloadGrant,
    Inspected,
    Stored,
    UploadGrant,
    UploadTicket,
    check_key,
    check_prefix,
    is_key,
)

from .failure import code_of, explained
from .inspection import inspect_bucket
from .location import Location
from .presigning import download_url, form_ticket, put_ticket
from .upload import Upload

_CHUNK = 1 << 20


class S3Storage:
    """Objects in a bucket.

    Implements ``Storage``, ``Copies``, ``Creates``, ``PresignsUploads``, ``PresignsDownloads`` and
    ``Inspects``.
    ``public``: the client of the endpoint that others reach; it only signs.
    """

    def __init__(
        self, client: Any, location: Location, *, public: Any, clock: Callable[[], float]
    ) -> None:
        self._client = client
        self._at = location
        self._public = public
        self._clock = clock

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        """See ``Storage.put``."""
        return await self._store(key, data, content_type, condition={})

    async def create(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        """See ``Creates.create``. A service that does not know ``If-None-Match`` replaces."""
        try:
            return await self._store(key, data, content_type, condition={"IfNoneMatch": "*"})
        except ObjectChanged as error:
            raise ObjectExists(f"There is an object {key} already.") from error

    @asynccontextmanager
    async def read(
        self, key: str, *, span: ByteRange | None = None, etag: str | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See ``Storage.read``. One request: what it has begun to give does not change."""
        body = await self._get(check_key(key), span, etag)
        chunks = _chunks(body, key)
        try:
            yield chunks
        finally:
            await chunks.aclose()
            if body is not None:
                await body.aclose()

    async def stat(self, key: str) -> Stored | None:
        """See ``Storage.stat``."""
        with explained(check_key(key)):
            answer = await self._head(key)
        return None if answer is None else _stored(key, answer)

    async def delete(self, key: str) -> None:
        """See ``Storage.delete``. Where the bucket keeps versions, the old one stays there."""
        with explained(check_key(key)):
            await self._client.delete_object(**self._at.object(key))

    async def entries(self, prefix: str) -> AsyncIterator[Stored]:
        """See ``Storage.entries``. A thousand objects a request; without their types."""
        name = self._at.name(check_prefix(prefix))
        listing = self._client.get_paginator("list_objects_v2")
        pages = aiter(listing.paginate(Bucket=self._at.bucket, Prefix=name))
        while (page := await _next(pages, prefix or "the root")) is not None:
            for item in page.get("Contents", ()):
                key = item["Key"].removeprefix(self._at.root)
                if is_key(key):
                    yield _stored(key, {**item, "ContentLength": item["Size"]})

    async def copy(self, source: str, target: str, *, etag: str) -> Stored:
        """See ``Copies.copy``."""
        check_key(target)
        with explained(check_key(source)):
            await self._client.copy_object(
                **self._at.object(target),
                **self._at.encryption,
                CopySource=self._at.object(source),
                CopySourceIfMatch=f'"{etag}"',
            )
        stored = await self.stat(target)
        if stored is None:
            raise ObjectMissing(f"The object {target} was removed as soon as it was there.")
        return stored

    async def presign_upload(self, grant: UploadGrant) -> UploadTicket:
        """See ``PresignsUploads.presign_upload``."""
        make = form_ticket if grant.form else put_ticket
        return await make(self._public, self._at, grant)

    async def presign_download(self, grant: DownloadGrant) -> str:
        """See ``PresignsDownloads.presign_download``."""
        return await download_url(self._public, self._at, grant)

    async def inspect(self) -> tuple[Inspected, ...]:
        """See ``Inspects.inspect``."""
        return await inspect_bucket(self, self._client, self._at)

    async def _store(
        self,
        key: str,
        data: AsyncIterable[bytes],
        content_type: str,
        *,
        condition: Mapping[str, str],
    ) -> Stored:
        begin = {"ContentType": content_type, **self._at.encryption}
        upload = Upload(self._client, self._at, check_key(key), begin=begin, end=condition)
        try:
            async for chunk in data:
                await upload.write(chunk)
            answer = await upload.finish()
        finally:
            await upload.discard()
        return Stored(
            key=key,
            size=upload.size,
            etag=answer["ETag"].strip('"'),
            content_type=content_type,
            modified=self._answered_at(answer),
        )

    def _answered_at(self, answer: Any) -> float:
        """The service's time; only a listing or a look at the object tells it exactly."""
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        return parsedate_to_datetime(date).timestamp() if date else float(int(self._clock()))

    async def _get(self, key: str, span: ByteRange | None, etag: str | None) -> Any:
        asked: dict[str, Any] = self._at.object(key)
        if span is not None:
            last = "" if span.end is None else span.end - 1
            asked["Range"] = f"bytes={span.start}-{last}"
        if etag is not None:
            asked["IfMatch"] = f'"{etag}"'
        with explained(key):
            try:
                answer = await self._client.get_object(**asked)
            except ClientError as error:
                if code_of(error) in ("InvalidRange", "416"):
                    return None  # the object ends before the span begins
                raise
        return answer["Body"]

    async def _head(self, key: str) -> Any:
        """What HEAD answers; None when there is no object."""
        try:
            return await self._client.head_object(**self._at.object(key))
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchKey"):
                return None
            # The answer to HEAD has no body that would tell why: let GET say it.
            answer = await self._client.get_object(**self._at.object(key), Range="bytes=0-0")
            answer["Body"].close()
            raise


async def _next(pages: AsyncIterator[Any], subject: str) -> Any:
    with explained(subject):
        return await anext(pages, None)


async def _chunks(body: Any, key: str) -> AsyncGenerator[bytes, None]:
    while body is not None:
        with explained(key):
            chunk: bytes = await body.read(_CHUNK)
        if not chunk:
            return
        yield chunk


def _stored(key: str, answer: Mapping[str, Any]) -> Stored:
    return Stored(
        key=key,
        size=answer["ContentLength"],
        etag=answer["ETag"].strip('"'),
        content_type=answer.get("ContentType", "application/octet-stream"),
        # Whole seconds: some services tell more of them in a listing than at the object.
        modified=float(int(answer["LastModified"].timestamp())),
    )
