"""JPEG: marker segments (ITU-T T.81), Exif in APP1, XMP in APP1 (XMP specification, part 3)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from staging_core.errors import BadPicture, PictureTruncated

from .exif import read_exif
from .header import Header

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_APP0, _APP1, _SOS, _EOI = 0xE0, 0xE1, 0xDA, 0xD9
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})
_MOST_SEGMENTS = 10_000
_LONGEST_PACKET = 65_533 - len(_XMP)


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Each segment's marker, and where its content starts and ends; the last one is SOS."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        at = data.find(b"\xff", at)  # decoders skip rubbish between segments
        if at < 0:
            raise PictureTruncated("The JPEG file has no pixels.")
        marker = data[at + 1]
        if marker == 0xFF or marker in _BARE_MARKERS:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _EOI:
            raise PictureTruncated("The JPEG file has no pixels.")
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        if end > len(data):
            raise PictureTruncated("The JPEG file ends within a segment.")
        yield marker, at + 4, end
        if marker == _SOS:
            return
        at = end
    raise BadPicture("The JPEG file is cut into far too many segments.")


def header(data: bytes, *, whole: bool = True) -> Header:
    """Size and orientation (Exif)."""
    size: tuple[int, int] | None = None
    turned: bool | None = None
    end = 0
    for marker, start, end in segments(data):
        if not whole and size is not None:
            break  # orientation comes before, and the rest may be missing
        if marker in _FRAME_MARKERS and size is None:
            height, width = struct.unpack_from(">HH", data, start + 1)
            size = width, height
        elif marker == _APP1 and turned is None and data.startswith(_EXIF, start):
            turned = read_exif(data[start:end]).turned
    if size is None:
        raise BadPicture("The JPEG file does not say how large it is.")
    # Within the pixels FF is always stuffed, so FF D9 can only be the end marker.
    if whole and data.find(b"\xff\xd9", end) < 0:
        raise PictureTruncated()
    return Header(
        content_type="image/jpeg",
        extension="jpg",
        width=size[0],
        height=size[1],
        turned=bool(turned),
    )


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """The same file with ``packet`` as its only XMP, after JFIF and Exif."""
    if len(packet) > _LONGEST_PACKET:
        raise ValueError(f"An XMP packet in JPEG has at most {_LONGEST_PACKET} bytes.")
    first, rest, end = [data[:2]], [], 2
    for marker, start, end in segments(data):
        whole = data[start - 4 : end]
        if marker == _APP0 or (marker == _APP1 and data.startswith(_EXIF, start)):
            first.append(whole)
        elif not (marker == _APP1 and data.startswith((_XMP, _XMP_MORE), start)):
            rest.append(whole)
    segment = struct.pack(">BBH", 0xFF, _APP1, 2 + len(_XMP) + len(packet)) + _XMP + packet
    return b"".join([*first, segment, *rest, data[end:]])


def xmp(data: bytes) -> bytes | None:
    """The XMP packet, if there is one."""
    for marker, start, end in segments(data):
        if marker == _APP1 and data.startswith(_XMP, start):
            return data[start + len(_XMP) : end]
    return None
