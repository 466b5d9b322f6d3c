"""Photos as they come in the body of a request: raw, or as the file of a form, never held whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
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


class Posted(NamedTuple):
    """A form: the fields that come before its file, then that."""

    fields: dict[str, str]
    file: Incoming


async def incoming(request: AnyRequest, filename: str | None) -> Incoming:
    """The photo in the body; ``filename``: its name where the body is the photo itself."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != FORM:
        if filename is None:
            raise invalid("filename", "Name the file in the query, or send it as a form.")
        return Incoming(filename, kind or None, request.stream())
    return (await _of_form(request, options)).file


async def posted(request: AnyRequest) -> Posted:
    """The form in the body."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != FORM:
        raise malformed("The body is no form with a file.")
    return await _of_form(request, options)


async def _of_form(request: AnyRequest, options: Mapping[str, str]) -> Posted:
    boundary = options.get("boundary", "")
    if not boundary:
        raise malformed("The form has no boundary.")
    events = _events(request, boundary)
    fields: dict[str, bytes] = {}
    name, before = "", 0
    async for event in events:
        if isinstance(event, MultipartSegment):
            name = str(event.name)
            if event.filename:
                file = Incoming(str(event.filename), event.content_type or None, _chunks(events))
                return Posted(_read(fields), file)
        elif event is not None:
            before += len(event)
            if before > _MOST_BEFORE:
                raise Refusal(413, "request_too_large", "The form's other fields are too long.")
            fields[name] = fields.get(name, b"") + event
    raise invalid("file", "The form has no file.")


def _read(fields: Mapping[str, bytes]) -> dict[str, str]:
    return {name: value.decode(errors="replace") for name, value in fields.items()}


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
