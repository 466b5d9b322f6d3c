"""An image's pictures, over HTTP: looked at, read whole, or in chunks that survive a cut."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import get_args

import httpx
import msgspec

from staging_core.acting import Kind
from staging_core.errors import AnswerNotUnderstood, BadInput, ObjectChanged, ServerUnreachable
from staging_core.models import ByteRange
from staging_core.serving import PictureFile

from .asked import Asked
from .told import seconds
from .wire import Wire

MOST_WHOLE = 1 << 29
"""Bytes of a picture that is held in memory; larger ones are read in chunks."""

_MOST_CUTS = 8
_MOST_CHANGES = 3


class FileTold(msgspec.Struct, frozen=True, kw_only=True):
    """A picture as a file."""

    key: str
    size: int
    etag: str
    content_type: str
    filename: str
    modified_at: str


async def look_at(wire: Wire, image: str, kind: Kind) -> PictureFile:
    """What can be said of it; ``image``: the image's path."""
    told = await wire.get(FileTold, f"{_path(image, kind)}/about")
    same = ("key", "size", "etag", "content_type", "filename")
    return PictureFile(
        modified=seconds(told.modified_at), **{name: getattr(told, name) for name in same}
    )


async def whole(wire: Wire, image: str, kind: Kind) -> bytes:
    """All of its bytes, of one that may be made anew meanwhile."""
    for _ in range(_MOST_CHANGES):
        with suppress(ObjectChanged):
            return await _whole(wire, image, kind)
    return await _whole(wire, image, kind)


async def _whole(wire: Wire, image: str, kind: Kind) -> bytes:
    async with opened(wire, image, kind, span=None, etag=None) as (file, chunks):
        if file.size > MOST_WHOLE:
            raise AnswerNotUnderstood(
                f"The picture has {file.size} bytes.", remedy="Read it in chunks, with `open`."
            )
        async with aclosing(chunks):
            return b"".join([chunk async for chunk in chunks])


@asynccontextmanager
async def opened(
    wire: Wire, image: str, kind: Kind, *, span: ByteRange | None, etag: str | None
) -> AsyncIterator[tuple[PictureFile, AsyncGenerator[bytes]]]:
    """What it is, and its bytes, or those of ``span``; ``ObjectChanged`` unless it is ``etag``."""
    file = await look_at(wire, image, kind)
    if etag is not None and etag != file.etag:
        raise ObjectChanged()
    span = span or ByteRange(start=0, end=file.size)
    end = file.size if span.end is None else min(span.end, file.size)
    reading = _Reading(wire, _path(image, kind), file, span.start, end)
    async with reading.opened() as first:
        yield file, reading.chunks(first)


class _Reading:
    """Bytes ``at`` up to ``end`` of a picture, and how many of them are still to come."""

    def __init__(self, wire: Wire, path: str, file: PictureFile, at: int, end: int) -> None:
        self._wire = wire
        self._path = path
        self._tag = f'"{file.etag.strip(chr(34))}"'
        self._size = file.size
        self._at = at
        self._end = end

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[httpx.Response]:
        """The answer with what is still to come."""
        headers = {"Range": f"bytes={self._at}-{self._end - 1}", "If-Range": self._tag}
        if (self._at, self._end) == (0, self._size):
            headers = {}
        asked = Asked(method="GET", path=self._path, headers=headers)
        async with self._wire.opened(asked) as response:
            if response.headers.get("etag") != self._tag:
                raise ObjectChanged()
            if headers and response.status_code != 206:
                raise AnswerNotUnderstood("The server answers with more than was asked for.")
            yield response

    async def chunks(self, first: httpx.Response) -> AsyncGenerator[bytes]:
        """All of them; a cut is gone on from."""
        cuts = 0
        try:
            async for chunk in self._taken(first):
                yield chunk
        except ServerUnreachable:
            cuts = 1
        while self._at < self._end:
            if cuts > _MOST_CUTS:
                raise ServerUnreachable("The picture breaks off again and again.")
            try:
                async with self.opened() as response:
                    async for chunk in self._taken(response):
                        cuts = 1
                        yield chunk
            except ServerUnreachable:
                pass
            cuts += 1

    async def _taken(self, response: httpx.Response) -> AsyncGenerator[bytes]:
        async with aclosing(self._wire.chunks_of(response)) as chunks:
            async for chunk in chunks:
                if self._at + len(chunk) > self._end:
                    raise AnswerNotUnderstood("The server's picture is longer than it says.")
                self._at += len(chunk)
                yield chunk


def _path(image: str, kind: str) -> str:
    if kind not in get_args(Kind):
        kinds = ", ".join(get_args(Kind))
        raise BadInput(f"There is no {kind!r} picture.", remedy=f"Choose one of {kinds}.")
    return f"{image}/pictures/{kind}"
