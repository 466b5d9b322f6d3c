"""A photo on its way to a server: its name, kind, size and digest, and its bytes in chunks."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import msgspec

from staging_core.errors import FileMissing, FileUnreadable, PictureEmpty, UploadMismatch
from staging_core.file_kind import check_bytes, ending_of
from staging_core.imaging.formats.kinds import sniff

_HEAD = 1 << 10
_CHUNK = 1 << 16
# A pipe or a device must not make the opening wait; Windows knows neither flag.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class PhotoFile(msgspec.Struct, frozen=True, kw_only=True):
    """A photo to be sent. ``name`` ends as its kind does; ``size`` in bytes."""

    source: str | bytes
    name: str
    content_type: str
    size: int
    sha256: str

    @classmethod
    async def of(cls, photo: str | os.PathLike[str] | bytes) -> PhotoFile:
        """Look at a path or at encoded bytes, a chunk in memory at a time.

        ``FileMissing``, ``FileUnreadable``; ``PictureEmpty``, ``PictureUnsupported``.
        """
        source = photo if isinstance(photo, bytes) else os.fspath(photo)
        return await asyncio.to_thread(_look, source)

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of its bytes."""
        read = _read(self.source)
        while chunk := await asyncio.to_thread(next, read, b""):
            yield chunk


def _look(source: str | bytes) -> PhotoFile:
    digest, size, head = hashlib.sha256(), 0, b""
    for chunk in _read(source):
        head = head or chunk[:_HEAD]
        digest.update(chunk)
        size += len(chunk)
    if size == 0:
        raise PictureEmpty()
    kind = sniff(head)
    return PhotoFile(
        source=source,
        name=_name(source, kind.content_type, kind.extension),
        content_type=kind.content_type,
        size=size,
        sha256=digest.hexdigest(),
    )


def _name(source: str | bytes, content_type: str, extension: str) -> str:
    """The file's own, where it says what the file is."""
    name = "photo" if isinstance(source, bytes) else os.path.basename(source)
    plain = "".join(each if each.isprintable() and each != "\\" else "_" for each in name)
    if ending_of(plain) is not None:
        try:
            check_bytes(plain, content_type)
        except UploadMismatch:
            pass
        else:
            return plain
    return f"{plain.rpartition('.')[0] or plain or 'photo'}"[:240] + f".{extension}"


def _read(source: str | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), _CHUNK):
            yield source[start : start + _CHUNK]
        return
    with _opened(source) as file:
        try:
            while chunk := file.read(_CHUNK):
                yield chunk
        except OSError as error:
            raise _unreadable(source, error) from error


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    try:
        descriptor = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileMissing(f"There is no file {path!r}.") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileUnreadable(f"{path!r} is no regular file.")
        yield file


def _unreadable(path: str, error: Exception) -> FileUnreadable:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return FileUnreadable(f"{path!r} cannot be read: {reason.lower()}.")
