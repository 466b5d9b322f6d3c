"""Photos as they come in the body of a request: raw, or as the file of a form, never held whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from .problem import AnyRequest
from .refusal import Refusal, invalid, malformed

FORM = "multipart/form-data"
_MOST_PARTS = 20
_MOST_BEFORE = 1 << 16


class Incoming(NamedTuple):
    """A file on its way in. ``chunks`` have to be read before anything is answered."""

    filename: str
    content_type: str | None
    chunks: AsyncIterator[bytes]


async def incoming(request: AnyRequest, filename: str | None) -> Incoming:
    """The photo in the body; ``filename``: its name where the body is the photo itself."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != FORM:
        if filename is None:
            raise invalid("filename", "Name the file in the query, or send it as a form.")
        return Incoming(filename, kind or None, request.stream())
    boundary = options.get("boundary", "")
    if not boundary:
        raise malformed("The form has no boundary.")
    return await _of_form(request, boundary)


async def _of_form(request: AnyRequest, boundary: str) -> Incoming:
    events = _events(request, boundary)
    before = 0
    async for event in events:
        if isinstance(event, MultipartSegment) and event.filename:
            chunks = _chunks(events)
            return Incoming(str(event.filename), event.content_type or None, chunks)
        before += len(event) if isinstance(event, bytes | bytearray) else 0
        if before > _MOST_BEFORE:
            raise Refusal(413, "request_too_large", "The form's other fields are too long.")
    raise invalid("file", "The form has no file.")


async def _chunks(events: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """The file's bytes; what follows it in the form is read to its end, and not looked at."""
    ended = False
    async for event in events:
        if event is None or isinstance(event, MultipartSegment):
            ended = True
        elif not ended:
            yield bytes(event)
    if not ended:
        raise malformed("The form ends within its file.")


async def _events(request: AnyRequest, boundary: str) -> AsyncIterator[Any]:
    try:
        with PushMultipartParser(boundary, max_segment_count=_MOST_PARTS) as parser:
            async for chunk in request.stream():
                for event in parser.parse(chunk) if chunk else ():
                    yield event
    except MultipartError as wrong:
        raise malformed("The form cannot be read.") from wrong
