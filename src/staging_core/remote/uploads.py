"""The account's uploads, over HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, Mapping

import msgspec

from staging_core.errors import (
    AnswerNotUnderstood,
    ObjectExists,
    PictureTooLarge,
    ServerUnreachable,
    UnknownUpload,
    ValidationFailed,
)
from staging_core.models import Principal, Upload, UploadTicket

from .address import may_send_photo
from .asked import Asked, in_path, in_query
from .photo import PhotoFile
from .signed import Signed
from .told import UploadTold
from .wire import Wire


class PresignedTold(msgspec.Struct, frozen=True, kw_only=True):
    """How a file may be put."""

    upload_url: str
    method: str
    headers: dict[str, str]
    fields: dict[str, str]
    upload: UploadTold

    def __repr__(self) -> str:
        return f"PresignedTold({self.upload.id!r})"

    def ticket(self) -> UploadTicket:
        """As the library says it."""
        return UploadTicket(
            url=self.upload_url, method=self.method, headers=self.headers, fields=self.fields
        )


class RemoteUploads:
    """As ``acting.Uploads``."""

    def __init__(self, wire: Wire, signed: Signed, principal: Principal) -> None:
        self._wire = wire
        self._signed = signed
        self._principal = principal

    async def presign(
        self,
        filename: str,
        content_type: str,
        size: int,
        *,
        form: bool = False,
        base: str | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[Upload, UploadTicket]:
        """See ``Uploads.presign``; the server knows its address, so ``base`` is left."""
        body = {
            "filename": filename,
            "content_type": content_type,
            "file_size": size,
            "form": form,
        }
        told = await self._wire.create(PresignedTold, "/uploads/presign", body, key=idempotency_key)
        upload = told.value.upload.upload(self._principal, replayed=told.replayed)
        return upload, told.value.ticket()

    async def get(self, upload_id: str) -> Upload:
        """See ``Uploads.get``."""
        return (await self._wire.get(UploadTold, _path(upload_id))).upload(self._principal)

    async def complete(self, upload_id: str) -> Upload:
        """See ``Uploads.complete``."""
        told = await self._wire.send(UploadTold, "POST", f"{_path(upload_id)}/complete")
        return told.upload(self._principal)

    async def receive(
        self,
        chunks: AsyncIterable[bytes],
        filename: str,
        content_type: str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Upload:
        """See ``Uploads.receive``; chunks are read once, so nothing is tried again by itself."""
        asked = Asked(
            method="POST",
            path="/uploads",
            query=in_query(filename=filename),
            headers={} if content_type is None else {"Content-Type": content_type},
            content=lambda: chunks,
            once=True,
        )
        try:
            return await self._received(asked, idempotency_key)
        except ServerUnreachable as cut:
            if cut.arrived:
                cut.remedy = (
                    "The server may have refused it while it was sent; `uploads.presign` says of "
                    "a name, a type and a size whether they can be."
                )
            raise

    async def from_url(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Upload:
        """See ``Uploads.from_url``."""
        body = {"url": url, "headers": dict(headers or {})}
        told = await self._wire.create(UploadTold, "/uploads/from-url", body, key=idempotency_key)
        return told.value.upload(self._principal, replayed=told.replayed)

    async def find(self, address: str) -> Upload:
        """See ``Uploads.find``."""
        try:
            query = in_query(address=address)
            told = await self._wire.get(UploadTold, "/uploads/find", query)
        except ValidationFailed as wrong:
            raise UnknownUpload() from wrong
        return told.upload(self._principal)

    # --- photos of an order -----------------------------------------------------------------------

    async def send(self, photo: PhotoFile, *, key: str) -> str:
        """Send it past the server where that can be, else through it; the upload's id.

        ``key``: of the order; the same photo of the same order is sent once.
        """
        own = hashlib.sha256(f"{photo.sha256} {key}".encode()).hexdigest()
        try:
            upload, ticket = await self.presign(
                photo.name, photo.content_type, photo.size, idempotency_key=own
            )
        except ValidationFailed as wrong:
            if "file_size" not in wrong.fields:
                raise
            raise PictureTooLarge(wrong.message, remedy=wrong.remedy) from wrong
        if upload.complete or await self._put(ticket, photo):
            return upload.id
        return (await self._through(photo, f"{own}-through")).id

    async def _put(self, ticket: UploadTicket, photo: PhotoFile) -> bool:
        """Put it where the ticket says; False where that cannot be reached from here."""
        if ticket.method != "PUT" or not may_send_photo(ticket.url):
            return False
        try:
            await self._signed.put(ticket, photo)
        except ObjectExists:
            pass  # an earlier try was done
        except (ServerUnreachable, AnswerNotUnderstood):
            return False
        return True

    async def _through(self, photo: PhotoFile, key: str) -> Upload:
        asked = Asked(
            method="POST",
            path="/uploads",
            query={"filename": photo.name},
            headers={"Content-Type": photo.content_type, "Content-Length": str(photo.size)},
            content=photo.chunks,
        )
        return await self._received(asked, key)

    async def _received(self, asked: Asked, key: str | None) -> Upload:
        told = await self._wire.create(UploadTold, "", asked=asked, key=key)
        return told.value.upload(self._principal, replayed=told.replayed)


def _path(upload_id: str) -> str:
    return f"/uploads/{in_path('upload', upload_id)}"
