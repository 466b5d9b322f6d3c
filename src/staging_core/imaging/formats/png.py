"""PNG: chunks (PNG specification, third edition, W3C 2025)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from staging_core.errors import BadPicture, PictureTruncated

from .exif import read_exif
from .header import Header

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP = b"XML:com.adobe.xmp\0"
_MOST_CHUNKS = 200_000  # a photo of 25 MiB in chunks of 8 KiB has 3,200
_PIXELS_ONLY = frozenset({b"IHDR", b"IDAT", b"IEND"})
_CHANGES_COLOUR = frozenset({b"tRNS", b"iCCP", b"eXIf"})


def chunks(data: bytes, *, whole: bool = True) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's name, and where its content starts and ends; stops after IEND.

    Not ``whole``: the data may end earlier, and with it the last chunk.
    """
    at = len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        if not whole and at + 8 > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, at)
        start, end = at + 8, at + 8 + length
        if whole and end + 4 > len(data):
            raise PictureTruncated("The PNG file ends within a chunk.")
        yield name, start, end
        if name == b"IEND":
            return
        at = end + 4
    raise BadPicture("The PNG file is cut into far too many chunks.")


def header(data: bytes, *, whole: bool = True) -> Header:
    """Size, frames (APNG) and orientation (eXIf)."""
    name, width, height = struct.unpack_from(">4x4sII", data, len(SIGNATURE))
    if name != b"IHDR":
        raise BadPicture("The PNG file does not start with its header.")
    frames, turned, seen_pixels = 1, False, False
    for name, start, end in chunks(data, whole=whole):
        if name == b"acTL" and not seen_pixels:
            frames = max(frames, struct.unpack_from(">I", data, start)[0])
        elif name == b"eXIf":
            turned = read_exif(data[start:end]).turned
        seen_pixels = seen_pixels or name == b"IDAT"
    if not seen_pixels:
        raise PictureTruncated("The PNG file has no pixels.")
    return Header(
        content_type="image/png",
        extension="png",
        width=width,
        height=height,
        turned=turned,
        frames=frames,
    )


def bare_rgb(data: bytes) -> bytes | None:
    """The file reduced to its pixels, or None if they are not plain 8 bit RGB as they stand."""
    depth, colour = struct.unpack_from(">BB", data, len(SIGNATURE) + 16)
    found = list(chunks(data))
    if (depth, colour) != (8, 2) or any(name in _CHANGES_COLOUR for name, _, _ in found):
        return None
    kept = [data[start - 8 : end + 4] for name, start, end in found if name in _PIXELS_ONLY]
    return b"".join([SIGNATURE, *kept])


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """The same file with ``packet`` as its only XMP (iTXt right after IHDR)."""
    parts = [SIGNATURE]
    for name, start, end in chunks(data):
        if _is_xmp(data, name, start):
            continue
        parts.append(data[start - 8 : end + 4])
        if name == b"IHDR":
            parts.append(_chunk(b"iTXt", _XMP + b"\0\0\0\0" + packet))
    return b"".join(parts)


def xmp(data: bytes) -> bytes | None:
    """The XMP packet; None when there is none, or only a compressed one."""
    for name, start, end in chunks(data):
        if _is_xmp(data, name, start) and data[start + len(_XMP)] == 0:
            # Compression flag and method, then language and translated keyword, both ended by 0.
            return data[start + len(_XMP) + 2 : end].split(b"\0", 2)[-1]
    return None


def _is_xmp(data: bytes, name: bytes, start: int) -> bool:
    return name == b"iTXt" and data.startswith(_XMP, start)


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I4s", len(content), name) + content + struct.pack(">I", checksum)
