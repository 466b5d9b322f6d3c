"""WebP: RIFF chunks (RFC 9649)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from staging_core.errors import BadPicture, PictureTruncated

from .exif import read_exif
from .header import Header

_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10
_MOST_CHUNKS = 10_000


def chunks(data: bytes, *, whole: bool = True) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's name, and where its content starts and ends.

    Not ``whole``: the data may end earlier, and with it the last chunk.
    """
    size = struct.unpack_from("<I", data, 4)[0]
    if whole and 8 + size > len(data):
        raise PictureTruncated("The WebP file is shorter than it says.")
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > (8 + size if whole else len(data)):
            return
        name, length = struct.unpack_from("<4sI", data, at)
        start, end = at + 8, at + 8 + length
        if whole and end > len(data):
            raise PictureTruncated("The WebP file ends within a chunk.")
        yield name, start, end
        at = end + length % 2
    raise BadPicture("The WebP file is cut into far too many chunks.")


def header(data: bytes, *, whole: bool = True) -> Header:
    """Size (canvas), frames and orientation (EXIF)."""
    size: tuple[int, int] | None = None
    frames, turned = 0, False
    for name, start, end in chunks(data, whole=whole):
        size = size or _size(data, name, start)
        if name == b"ANMF":
            frames += 1
        elif name == b"EXIF":
            turned = read_exif(data[start:end]).turned
    if size is None:
        raise BadPicture("The WebP file does not say how large it is.")
    return Header(
        content_type="image/webp",
        extension="webp",
        width=size[0],
        height=size[1],
        turned=turned,
        frames=max(1, frames),
    )


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """The same file with ``packet`` as its only XMP, in the extended layout that XMP needs."""
    width, height = _canvas(data)
    flags, parts = _XMP_FLAG, []
    for name, start, end in chunks(data):
        if name == b"VP8X":
            flags |= data[start]
        elif name != b"XMP ":
            flags |= _ALPHA_FLAG if name == b"VP8L" and data[start + 4] & 0x10 else 0
            parts.append(_chunk(name, data[start:end]))
    extended = struct.pack("<I", flags) + _three(width - 1) + _three(height - 1)
    body = b"".join([b"WEBP", _chunk(b"VP8X", extended), *parts, _chunk(b"XMP ", packet)])
    return b"RIFF" + struct.pack("<I", len(body)) + body


def xmp(data: bytes) -> bytes | None:
    """The XMP packet, if there is one."""
    for name, start, end in chunks(data):
        if name == b"XMP ":
            return data[start:end]
    return None


def _canvas(data: bytes) -> tuple[int, int]:
    found = header(data)
    return found.width, found.height


def _size(data: bytes, name: bytes, start: int) -> tuple[int, int] | None:
    if name == b"VP8X":
        return 1 + _number(data, start + 4), 1 + _number(data, start + 7)
    if name == b"VP8L":
        bits = struct.unpack_from("<I", data, start + 1)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if name == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, start + 6)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 3], "little")


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + b"\0" * (len(content) % 2)
