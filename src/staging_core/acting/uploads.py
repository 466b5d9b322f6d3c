"""The account's uploads."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping

from staging_core.database.uploads import as_upload
from staging_core.models import Principal, Upload, UploadTicket
from staging_core.ports import Ports
from staging_core.scoped import needs
from staging_core.uploading import Uploading


class Uploads:
    """Photos that are put, streamed or fetched before they are staged.

    All of them are in the formats that staging reads. An upload that no image uses within
    ``orphan_grace_s`` goes. Under an ``idempotency_key`` a call is safe to repeat for a day: it
    answers the same upload, ``replayed``.
    """

    def __init__(self, ports: Ports, principal: Principal) -> None:
        self._ports = ports
        self._principal = principal

    @needs("images:write")
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
        """Announce a file, and how whoever has it may put it within 15 minutes.

        ``size``: bytes, 1 to ``max_bytes``. ``form``: as a form (POST), as pages send it; of a
        bucket that also bounds the size. ``base``: the address under which we are reached, where
        ``public_url`` is not set and the storage signs no addresses. ``ValidationFailed``.
        """
        uploading = Uploading(self._ports, self._principal.account_id, base=base)
        return await uploading.presign(filename, content_type, size, form=form, key=idempotency_key)

    @needs("images:read")
    async def get(self, upload_id: str) -> Upload:
        """One upload; ``NotFound``."""
        return await self._uploading.get(upload_id)

    @needs("images:write")
    async def complete(self, upload_id: str) -> Upload:
        """The file is there: look at its size, type and first bytes; the first use does it, too.

        ``NotFound``; ``UploadMissing``, ``UploadMismatch``, ``PictureUnsupported`` and other
        ``BadPicture``. Once complete, nobody can change what is staged.
        """
        return as_upload(await self._uploading.complete(upload_id))

    @needs("images:write")
    async def receive(
        self,
        chunks: AsyncIterable[bytes],
        filename: str,
        content_type: str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Upload:
        """Stream a file through us, a chunk in memory at a time; a complete upload.

        ``ValidationFailed``, ``UploadMismatch`` for bytes that do not fit the name, and the kinds
        of ``BadPicture``; then nothing stays.
        """
        return await self._uploading.receive(chunks, filename, content_type, key=idempotency_key)

    @needs("images:write")
    async def from_url(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Upload:
        """Fetch a photo once from a public https address; a complete upload.

        ``headers``: sent to that host only, at most 20. A redirect is not followed.
        ``ValidationFailed``, ``SourceRefused``, ``SourceUnavailable`` and the kinds of
        ``BadPicture``; then nothing stays.
        """
        return await self._uploading.from_url(url, headers or {}, key=idempotency_key)

    @needs("images:read")
    async def find(self, address: str) -> Upload:
        """The upload that was put at that address, or has that key; ``UnknownUpload``.

        ``address``: without its query, its path percent-encoded or not.
        """
        return as_upload(await self._uploading.find(address))

    @property
    def _uploading(self) -> Uploading:
        return Uploading(self._ports, self._principal.account_id)
