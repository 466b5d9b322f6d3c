"""Pictures as HTTP sends files: whole or in part (RFC 9110 section 14), or not again (304)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from email.utils import formatdate
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote

from staging_core.models import ByteRange

from .answer import Stream
from .refusal import Refusal

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
_PLAIN = re.compile(r"[\w.!#$&+^`|~ -]+", re.ASCII)


class File(Protocol):
    """What the library says of a picture."""

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    @property
    def etag(self) -> str:
        """Changes whenever the bytes do."""
        ...

    @property
    def content_type(self) -> str:
        """Of the bytes."""
        ...

    @property
    def filename(self) -> str:
        """What it is called when it is saved; may be empty."""
        ...

    @property
    def modified(self) -> float:
        """Unix seconds."""
        ...


Open = Callable[..., AbstractAsyncContextManager[Any]]
"""Opens the picture: ``span=`` for a part, ``etag=`` for the one that was looked at."""


def sent(
    file: File,
    opens: Open,
    headers: Mapping[str, str],
    *,
    attachment: bool,
    cache_control: str,
    whose: str = "",
) -> Stream:
    """The answer to a GET or HEAD with these request headers.

    416 for a range that lies behind the end; several ranges, and those of another picture than the
    one that is there (``If-Range``), are answered with all of it. ``whose``: see ``Stream``.
    """
    tag = f'"{file.etag.strip(chr(34))}"'
    about = {"etag": tag, "cache-control": cache_control, "accept-ranges": "bytes"}
    if _is_known(headers.get("if-none-match"), tag):
        return Stream(304, about)
    about |= {
        "content-type": file.content_type,
        "content-disposition": disposition(file.filename, attachment=attachment),
        "last-modified": formatdate(file.modified, usegmt=True),
    }
    same = headers.get("if-range") in (None, tag)
    span = _span(headers.get("range"), file.size) if same else None
    if span is None:
        about["content-length"] = str(file.size)
        whole = ByteRange(start=0, end=file.size)
        body = partial(_body, opens, file, whole)
        return Stream(200, about, opens=body, size=file.size, whose=whose)
    assert span.end is not None
    size = span.end - span.start
    part = {
        "content-range": f"bytes {span.start}-{span.end - 1}/{file.size}",
        "content-length": str(size),
    }
    body = partial(_body, opens, file, span)
    return Stream(206, {**about, **part}, opens=body, size=size, whose=whose)


@asynccontextmanager
async def _body(opens: Open, file: File, span: ByteRange, at: int, most: int) -> AsyncIterator[Any]:
    """Of what is left of ``span`` after ``at`` bytes, so many at most."""
    assert span.end is not None
    start = span.start + at
    piece = ByteRange(start=start, end=min(start + most, span.end))
    async with opens(span=piece, etag=file.etag) as picture:
        yield picture.chunks


def _is_known(told: str | None, tag: str) -> bool:
    """Whether the client has it already (``If-None-Match``, compared weakly)."""
    if told is None:
        return False
    known = [each.strip().removeprefix("W/") for each in told.split(",")]
    return "*" in known or tag in known


def _span(told: str | None, size: int) -> ByteRange | None:
    """The bytes that are asked for; None for all, and for what is no range of bytes."""
    found = _RANGE.fullmatch(told or "")
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        start, end = max(0, size - int(found[2])), size
    else:
        start = int(found[1])
        end = min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= size or start >= end:
        raise Refusal(
            416,
            "range_not_satisfiable",
            f"The picture has {size} bytes.",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return ByteRange(start=start, end=end)


def disposition(filename: str, *, attachment: bool) -> str:
    """``Content-Disposition`` (RFC 6266): the name in plain ASCII, and as it is."""
    kind = "attachment" if attachment else "inline"
    if not filename:
        return kind
    plain = "".join(each if _PLAIN.fullmatch(each) else "_" for each in filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
