"""A photo streamed into the storage, in bounded memory: measured, sniffed, under a key of its own.

Only the first bytes are held: they say what kind of picture it is and, nearly always, how large.
Whether it can be decoded is seen by the job that uses it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

from .database import accounts, files, folders
from .database.engine import Transaction
from .errors import (
    DatabaseFailed,
    PictureEmpty,
    PictureTooLarge,
    PictureTruncated,
    UploadMismatch,
)
from .file_kind import check_bytes
from .imaging.formats.kinds import Kind, sniff
from .imaging.intake import Examined, examine
from .interfaces import Copies, supports
from .models import ByteRange, Stored
from .photo import read_object
from .ports import Ports

log = logging.getLogger("staging_core")

HEAD = 1 << 18
"""The first bytes of a file, in which its header is looked for."""


@dataclass(frozen=True, slots=True)
class KeptPhoto:
    """A photo that is in the storage, until its time is over or an image uses it."""

    stored: Stored
    examined: Examined
    sha256: str | None

    async def note(self, tx: Transaction) -> None:
        """The object is there."""
        await files.put(tx, self.stored, sha256=self.sha256)


class Measured:
    """A stream that is counted while it passes; ``PictureTooLarge`` beyond ``most`` bytes.

    ``size``: what it has to come to, else ``UploadMismatch``.
    """

    def __init__(self, chunks: AsyncIterable[bytes], *, most: int, size: int | None) -> None:
        self._chunks = aiter(chunks)
        self._most = most
        self._wanted = size
        self._digest = hashlib.sha256()
        self._first: list[bytes] = []
        self.size = 0

    @property
    def sha256(self) -> str:
        """Of what has passed, in lower-case hexadecimal."""
        return self._digest.hexdigest()

    async def head(self) -> bytes:
        """The first bytes; what follows is left for ``all``."""
        while self.size < HEAD and (chunk := await self._next()) is not None:
            self._first.append(chunk)
        return b"".join(self._first)[:HEAD]

    async def all(self) -> AsyncIterator[bytes]:
        """Everything, once."""
        for chunk in self._first:
            yield chunk
        self._first = []
        while (more := await self._next()) is not None:
            yield more
        if self._wanted is not None and self.size != self._wanted:
            raise _mismatch(self.size, self._wanted)

    async def _next(self) -> bytes | None:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            return None
        self.size += len(chunk)
        if self._wanted is not None and self.size > self._wanted:
            raise _mismatch(self.size, self._wanted)
        if self.size > self._most:
            raise PictureTooLarge(f"The file is larger than {self._most / 2**20:g} MiB.")
        self._digest.update(chunk)
        return chunk


def _mismatch(size: int, wanted: int) -> UploadMismatch:
    return UploadMismatch(f"The file has {size} bytes or more, where {wanted} were announced.")


async def keep_stream(
    ports: Ports,
    account_id: str,
    chunks: AsyncIterable[bytes],
    *,
    filename: str | None,
    size: int | None = None,
) -> KeptPhoto:
    """Put the photo under a fresh key; nothing stays when it is none, or another than announced.

    ``filename``: the name that its kind has to fit. Raises ``UploadMismatch`` and the kinds of
    ``BadPicture``.
    """
    stream = Measured(chunks, most=ports.limits.max_bytes, size=size)
    head = await stream.head()
    kind = _sniffed(head, filename)
    key = await _intend(ports, account_id, kind)
    try:
        stored = await ports.storage.put(key, stream.all(), content_type=kind.content_type)
        examined = await _examined(ports, stored, head)
    except Exception:
        await let_go(ports, account_id, key)
        raise
    return KeptPhoto(stored=stored, examined=examined, sha256=stream.sha256)


async def keep_copy(ports: Ports, account_id: str, raw: Stored, *, filename: str) -> KeptPhoto:
    """Copy an object that others may still write to under a key that nobody was given.

    The copy is of exactly the object that was looked at: its etag is asked for throughout.
    ``ObjectChanged`` when it is another by now; else as ``keep_stream``.
    """
    span = ByteRange(start=0, end=HEAD)
    async with ports.storage.read(raw.key, span=span, etag=raw.etag) as chunks:
        head = b"".join([chunk async for chunk in chunks])
    kind = _sniffed(head, filename)
    key = await _intend(ports, account_id, kind)
    try:
        stored = await _copy(ports, raw, key, kind)
        examined = await _examined(ports, stored, head)
    except Exception:
        await let_go(ports, account_id, key)
        raise
    return KeptPhoto(stored=stored, examined=examined, sha256=None)


async def let_go(ports: Ports, account_id: str, key: str) -> None:
    """The object is not wanted; whoever comes too late to say so leaves it to its time."""
    try:
        async with ports.database.write(account_id) as tx:
            await files.let_go(tx, (key,))
    except DatabaseFailed:
        log.info("%s goes when its time is over", key, exc_info=True)


def _sniffed(head: bytes, filename: str | None) -> Kind:
    if not head:
        raise PictureEmpty()
    kind = sniff(head)
    if filename is not None:
        check_bytes(filename, kind.content_type)
    return kind


async def _intend(ports: Ports, account_id: str, kind: Kind) -> str:
    """The intent row before the object."""
    key = f"uploads/{folders.folder(account_id)}/{uuid4()}.{kind.extension}"
    grace_s = ports.settings.orphan_grace_s
    async with ports.database.write(account_id) as tx:
        await accounts.ensure(tx, account_id)
        await files.intend(tx, key, account_id=account_id, kind="original", grace_s=grace_s)
    return key


async def _copy(ports: Ports, raw: Stored, key: str, kind: Kind) -> Stored:
    """By the storage itself where it can; a type that does not fit the bytes is not copied."""
    copies = supports(ports.storage, Copies)
    if copies is not None and raw.content_type == kind.content_type:
        return await copies.copy(raw.key, key, etag=raw.etag)
    async with ports.storage.read(raw.key, etag=raw.etag) as chunks:
        return await ports.storage.put(key, chunks, content_type=kind.content_type)


async def _examined(ports: Ports, stored: Stored, head: bytes) -> Examined:
    """What the header says; the few that keep it elsewhere than at the beginning are read whole."""
    try:
        return examine(head, ports.limits, whole=False)
    except PictureTruncated:
        async with ports.pictures:
            return examine(await read_object(ports.storage, stored.key), ports.limits)
