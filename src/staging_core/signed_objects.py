"""What signed addresses of our own lead to, for a server to serve: nobody signs in here.

Only where the storage signs no addresses of its own. See ``own_address`` for what is signed.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from .database import uploads
from .errors import AddressRefused, NotFound, ObjectExists, UploadMismatch
from .kept_photo import keep_stream
from .models import ByteRange, DownloadGrant
from .own_address import OwnAddresses
from .ports import Ports
from .serving import OpenPicture, PictureFile, opened
from .uploading import Uploading


class SignedObjects:
    """Objects behind signed addresses. ``key`` and ``query`` are the address's, decoded."""

    def __init__(self, ports: Ports, *, clock: Callable[[], float] = time.time) -> None:
        self.ports = ports
        self._own = OwnAddresses(ports.settings.signing_key())
        self._clock = clock

    def check(self, key: str, query: Mapping[str, str], *, form: bool = False) -> None:
        """Before anything that is sent is read: ``AddressRefused`` unless it may be put there."""
        self._own.check_upload(key, query, now=self._clock(), form=form)

    async def put(
        self,
        key: str,
        query: Mapping[str, str],
        chunks: AsyncIterable[bytes],
        *,
        content_type: str | None,
        cache_control: str | None,
        size: int | None = None,
        form: bool = False,
    ) -> None:
        """Take what was announced, streamed, once.

        ``content_type`` and ``cache_control``: what came with it as headers or, in a ``form``, as
        the fields of these names; ``size``: its length where that was told. ``AddressRefused`` for
        a wrong, changed or expired address, and for other headers or fields; ``ObjectExists`` when
        it is there already; ``UploadMismatch`` and the kinds of ``BadPicture``: then nothing stays,
        and it may be put again.
        """
        grant = self._own.check_upload(key, query, now=self._clock(), form=form)
        if (content_type, cache_control) != (grant.content_type, grant.cache_control):
            said = "fields" if form else "headers"
            raise AddressRefused(f"The {said} are not those that the address was signed for.")
        if size is not None and size != grant.max_bytes:
            raise UploadMismatch(f"The file has {size} bytes, {grant.max_bytes} were announced.")
        async with self.ports.database.read() as tx:
            account_id = await uploads.whose(tx, key)
        if account_id is None:
            raise AddressRefused("The upload is gone.")
        async with self.ports.database.read(account_id) as tx:
            row = await uploads.of_key(tx, account_id, key)
        if row is None:
            raise AddressRefused("The upload is gone.")
        if row["completed_at"] is None:
            kept = await keep_stream(
                self.ports, account_id, chunks, filename=row["filename"], size=grant.max_bytes
            )
            if await Uploading(self.ports, account_id).fill(row, kept) is not None:
                return
        raise ObjectExists("The file has been put already.")

    async def look(self, key: str, query: Mapping[str, str]) -> PictureFile:
        """What can be said of the object; ``AddressRefused``, ``NotFound``.

        ``filename`` is empty unless it is to be saved.
        """
        return await self._file(self._own.check_download(key, query, now=self._clock()))

    @asynccontextmanager
    async def open(
        self,
        key: str,
        query: Mapping[str, str],
        *,
        span: ByteRange | None = None,
        etag: str | None = None,
    ) -> AsyncIterator[OpenPicture]:
        """The object's bytes; as ``look``, and ``ObjectChanged`` when it is not ``etag`` now."""
        file = await self.look(key, query)
        async with opened(self.ports, file, span=span, etag=etag) as picture:
            yield picture

    async def _file(self, grant: DownloadGrant) -> PictureFile:
        stored = await self.ports.storage.stat(grant.key)
        if stored is None:
            raise NotFound("The picture is gone.")
        return PictureFile(
            key=grant.key,
            size=stored.size,
            etag=stored.etag,
            content_type=grant.content_type or stored.content_type,
            filename=grant.filename or "",
            modified=stored.modified,
        )
