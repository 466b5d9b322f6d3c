"""Storages: where originals and results are kept."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from staging_core.models import ByteRange, DownloadGrant, Stored, UploadGrant, UploadTicket


class Storage(Protocol):
    """Objects under keys: 1..512 characters of letters, digits, ``._-`` and single slashes.

    A key has no empty part, none over 200 characters and none that is ``.`` or ``..``; other keys
    are ``InvalidKey``. Objects outlive the opened storage, unless it keeps them in memory.
    """

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        """Keep the bytes under ``key``, replacing what was there.

        Atomic to readers: they see the old object or the whole new one. When ``data`` raises, or
        the storage is full (``StorageFull``), nothing of the new bytes stays. Streams in bounded
        memory. A storage of files may refuse, with ``StorageError``, ``a`` beside ``a/b``.
        """
        ...

    def read(
        self, key: str, *, span: ByteRange | None = None, etag: str | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The object's bytes in chunks, or those of ``span`` (an end past the object's is cut).

        Entering raises ``ObjectMissing``, or ``ObjectChanged`` when ``etag`` is given and differs.
        """
        ...

    async def stat(self, key: str) -> Stored | None:
        """What is known of the object; None when there is none."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the object. Absent: done, no error."""
        ...

    def entries(self, prefix: str) -> AsyncIterator[Stored]:
        """All objects whose key starts with ``prefix`` (``""``: all), in key order.

        Where a listing tells no types, an entry's may be the default one.
        """
        ...


class Copies(Protocol):
    """Copies an object without moving its bytes through us."""

    async def copy(self, source: str, target: str, *, etag: str) -> Stored:
        """Copy, bound to ``etag``: ``ObjectChanged`` when the source is another by now."""
        ...


class Creates(Protocol):
    """Puts an object only where none is."""

    async def create(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        """Keep the bytes as ``put`` does, if there is no object under ``key``.

        Otherwise ``ObjectExists``, and the object stays as it is. Of several at once, one creates.
        """
        ...


class Tidies(Protocol):
    """Removes what is left of puts whose process died."""

    async def tidy(self, *, before: float) -> int:
        """Remove what puts left that began before that time and never ended; of how many.

        ``before``: Unix seconds. Objects are left alone, and so are puts that began later.
        """
        ...


class PresignsUploads(Protocol):
    """Lets a client upload without us."""

    async def presign_upload(self, grant: UploadGrant) -> UploadTicket:
        """A ticket for the granted object and no other. Contacts nobody.

        The storage refuses another content type or cache control, and a ticket that has expired. A
        form also bounds the size. What is uploaded is not believed: the engine looks at size and
        bytes before it is used.
        """
        ...


class PresignsDownloads(Protocol):
    """Lets somebody download without us."""

    async def presign_download(self, grant: DownloadGrant) -> str:
        """An absolute URL of the object, whether or not there is one yet. Contacts nobody.

        It is answered with the granted content type and file name, and refused once it has expired
        or anything in it was changed. Its host may be one that only this machine reaches
        (loopback): whoever hands the URL on judges that, the storage does not know whom it is for.
        """
        ...
