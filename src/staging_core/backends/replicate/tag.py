"""How an attempt is known again in a prediction whose answer was lost.

Replicate has no field of ours on a prediction. What it keeps and shows again is the ``webhook``
(on some endpoints) and the ``input``. So the attempt's id travels in both: as the last part of
the callback's path, and with the photo: in the fragment of its address, which nobody sends to a
server, or in a text chunk of the file, which no decoder shows. An id that is found in one
of them is certain, since ids are unique for ever; one that is not found says nothing.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

_KEY = "staging-attempt"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEAD = 33  # signature and IHDR; a multiple of three, so base64 before it stays the same
_JPEG = b"\xff\xd8"
_LOOKED_AT = 400  # characters of base64 that hold the chunk


def tagged_url(url: str, attempt_id: str) -> str:
    """The address with the attempt in its fragment."""
    return f"{url.partition('#')[0]}#{_KEY}={attempt_id}"


def tagged_file(data: bytes, attempt_id: str) -> bytes:
    """The picture with the attempt in a text chunk (PNG) or a comment (JPEG); pixels untouched."""
    if data.startswith(_PNG):
        body = b"tEXt" + _KEY.encode() + b"\0" + attempt_id.encode()
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        return data[:_PNG_HEAD] + chunk + data[_PNG_HEAD:]
    if data.startswith(_JPEG):
        text = f"{_KEY}\0{attempt_id}".encode()
        return _JPEG + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + data[2:]
    return data


def tags_of(prediction: dict[str, Any], picture_field: str) -> Iterator[str]:
    """Every attempt id that a prediction carries, and the ids of files it works on."""
    webhook = prediction.get("webhook")
    if isinstance(webhook, str):
        yield urlsplit(webhook).path.rpartition("/")[2]
    given = prediction.get("input")
    value = given.get(picture_field) if isinstance(given, dict) else None
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield from _of_picture(one)


def _of_picture(value: str) -> Iterator[str]:
    if value.startswith("data:"):
        yield from _in_data(value.partition(",")[2][:_LOOKED_AT])
        return
    parts = urlsplit(value)
    key, _, attempt_id = parts.fragment.partition("=")
    if key == _KEY:
        yield attempt_id
    if file_id := parts.path.partition("/v1/files/")[2].partition("/")[0]:
        yield file_id


def _in_data(start: str) -> Iterator[str]:
    try:
        head = base64.b64decode(start[: len(start) // 4 * 4])
    except binascii.Error:
        return
    if head.startswith(_PNG) and head[37:41] == b"tEXt":
        (length,) = struct.unpack(">I", head[33:37])
        yield from _named(head[41 : 41 + length])
    elif head.startswith(_JPEG + b"\xff\xfe"):
        (length,) = struct.unpack(">H", head[4:6])
        yield from _named(head[6 : 4 + length])


def _named(text: bytes) -> Iterator[str]:
    key, _, attempt_id = text.partition(b"\0")
    if key == _KEY.encode():
        yield attempt_id.decode("ascii", "replace")
