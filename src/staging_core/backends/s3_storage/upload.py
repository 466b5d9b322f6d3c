"""One object on its way into the bucket."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from staging_core.errors import StorageError

from .failure import explained
from .location import Location
from .spool import Spool

PART = 16 << 20  # bytes; the service takes 5 MiB to 5 GiB, and 10,000 of them
_log = logging.getLogger(__name__)


class Upload:
    """Up to one part goes as it is, more in parts; nothing is seen before ``finish``.

    ``begin``, ``end``: further arguments of the calls that begin and that end an upload.
    """

    def __init__(
        self,
        client: Any,
        location: Location,
        key: str,
        *,
        begin: Mapping[str, Any],
        end: Mapping[str, Any],
    ) -> None:
        self._client = client
        self._object = location.object(key)
        self._key = key
        self._begin = begin
        self._end = end
        self._part = Spool()
        self._parts: list[dict[str, Any]] = []
        self._id: str | None = None
        self.size = 0

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes, and send a part when there are enough."""
        self.size += len(chunk)
        with explained(self._key):
            await self._part.write(chunk)
            if self._part.size >= PART:
                await self._send_part()

    async def finish(self) -> Any:
        """Make it an object; what the service answered."""
        with explained(self._key):
            if self._id is None:
                return await self._put()
            if self._part.size:
                await self._send_part()
            answer = await self._client.complete_multipart_upload(
                **self._object,
                **self._end,
                UploadId=self._id,
                MultipartUpload={"Parts": self._parts},
            )
            self._id = None
            return answer

    async def discard(self) -> None:
        """Leave nothing of what was not finished."""
        await self._part.close()
        if self._id is None:
            return
        try:
            with explained(self._key):
                await self._client.abort_multipart_upload(**self._object, UploadId=self._id)
        except StorageError as error:
            # The caller's error counts; a lifecycle rule removes what lies there.
            _log.warning("parts of %s could not be removed: %s", self._key, error)

    async def _put(self) -> Any:
        return await self._client.put_object(
            **self._object,
            **self._begin,
            **self._end,
            Body=await self._part.body(),
            ContentMD5=self._part.md5,
        )

    async def _send_part(self) -> None:
        if self._id is None:
            begun = await self._client.create_multipart_upload(**self._object, **self._begin)
            self._id = begun["UploadId"]
        number = len(self._parts) + 1
        sent = await self._client.upload_part(
            **self._object,
            UploadId=self._id,
            PartNumber=number,
            Body=await self._part.body(),
            ContentMD5=self._part.md5,
        )
        self._parts.append({"ETag": sent["ETag"], "PartNumber": number})
        await self._part.close()
        self._part = Spool()
