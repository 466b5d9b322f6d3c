"""A project's pictures as one zip file, made while it is sent: nothing of it is held or stored.

Pictures are compressed already, so they are put in as they are. They are read piece by piece, and
between two pieces neither the storage nor the database is held, however slowly somebody reads.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime

from .database import image_lists
from .errors import NotFound, NotReady, ObjectChanged
from .models import ByteRange, Image
from .ports import Ports
from .serving import Kind, PictureFile, opened, picture_file

_NOT_IN_NAMES = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))  # on one system or another
_PAGE = 100
_PIECE_BYTES = 256 * 1024
_EARLIEST = 315_532_800.0  # 1980-01-01, where a zip file's times begin


class Sink(io.RawIOBase):
    """What was written and not taken yet. It cannot be sought, so the zip is made for streaming."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self._written += chunk
        return len(chunk)

    def take(self) -> bytes:
        taken, self._written = bytes(self._written), bytearray()
        return taken


async def archive(ports: Ports, account_id: str, project_id: str) -> AsyncIterator[bytes]:
    """The zip in chunks: each original once, and of every image that is ready the clean picture.

    What is deleted meanwhile is left out. A picture that goes while it is being put in ends it with
    ``NotFound``: half of one would look like a whole one.
    """
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as target:
        pictures = add_pictures(ports, target, account_id, project_id=project_id)
        async with aclosing(pictures) as written:
            async for _ in written:
                yield sink.take()
    yield sink.take()


async def add_pictures(
    ports: Ports,
    target: zipfile.ZipFile,
    account_id: str,
    *,
    project_id: str | None = None,
    folder: str = "",
) -> AsyncGenerator[None]:
    """Write the pictures of a project, or of the whole account; yields whenever some was written.

    ``folder``: begins their names.
    """
    names = _Names()
    async for image, kind in _pictures(ports, account_id, project_id):
        try:
            file = await picture_file(ports, image, kind)
            first = await _piece(ports, file, 0)
        except (NotFound, NotReady, ObjectChanged):
            continue
        name = folder + names.one(file.filename)
        entry = zipfile.ZipInfo(name, _time(file.modified))
        with target.open(entry, "w", force_zip64=True) as written:
            written.write(first)
            yield
            for at in range(len(first), file.size, _PIECE_BYTES):
                written.write(await _piece(ports, file, at))
                yield


async def _piece(ports: Ports, file: PictureFile, at: int) -> bytes:
    """The picture's bytes from ``at`` on, at most a piece of them."""
    span = ByteRange(start=at, end=min(at + _PIECE_BYTES, file.size))
    async with opened(ports, file, span=span, etag=file.etag) as picture:
        return b"".join([chunk async for chunk in picture.chunks])


def _time(modified: float) -> tuple[int, int, int, int, int, int]:
    when = datetime.fromtimestamp(max(modified, _EARLIEST), UTC)
    return (when.year, when.month, when.day, when.hour, when.minute, when.second)


async def _pictures(
    ports: Ports, account_id: str, project_id: str | None
) -> AsyncIterator[tuple[Image, Kind]]:
    """Newest first, a page in memory at a time; an original with its newest image."""
    place, seen = None, set[str]()
    while True:
        async with ports.database.read(account_id) as tx:
            page = await image_lists.page(
                tx, account_id, project_id=project_id, before=place, limit=_PAGE
            )
        for image in page:
            if image.original_id not in seen:
                seen.add(image.original_id)
                yield image, "original"
            if image.job.state == "ready":
                yield image, "staged"
        if len(page) < _PAGE:
            return
        place = page[-1].place


class _Names:
    """Names within the zip, each once, also where no case is told apart."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def one(self, wanted: str) -> str:
        """The name itself, or with a number."""
        for name in self._forms(wanted.translate(_NOT_IN_NAMES)):
            if name.casefold() not in self._used:
                self._used.add(name.casefold())
                return name
        raise AssertionError("numbers do not end")

    def _forms(self, wanted: str) -> Iterator[str]:
        stem, dot, extension = wanted.rpartition(".")
        yield wanted
        number = 2
        while True:
            yield f"{stem}-{number}{dot}{extension}"
            number += 1
