"""TIFF 6.0: image file directories, also the inside of every Exif block."""

from __future__ import annotations

import struct

from staging_core.errors import BadPicture, PictureTruncated, PictureUnsupported

from .header import Header

NEW_SUBFILE_TYPE, WIDTH, HEIGHT, ORIENTATION, DNG_VERSION = 254, 256, 257, 274, 50706
_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES = 273, 279, 324, 325
_REDUCED_OR_MASK = 0b101  # bits of NewSubfileType: a thumbnail, a transparency mask
_LONG_TAGS = frozenset({_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES})
_MOST_DIRECTORIES = 64
_MOST_STRIPS = 100_000
_FORMATS = {1: "B", 3: "H", 4: "I", 5: "II", 9: "i", 10: "ii", 13: "I"}


def byte_order(data: bytes) -> str:
    """The ``struct`` prefix of the file's numbers; ``BadPicture`` if it is no TIFF."""
    if data[:4] == b"II*\0":
        return "<"
    if data[:4] == b"MM\0*":
        return ">"
    raise BadPicture("The TIFF header is broken.")


def read_directory(data: bytes, order: str, offset: int) -> tuple[dict[int, list[float]], int]:
    """The numeric tags of one directory, and the offset of the next (0: none).

    Of long values only the first numbers are read. Raises ``struct.error`` where the bytes end too
    early.
    """
    count = struct.unpack_from(order + "H", data, offset)[0]
    end = offset + 2 + 12 * count
    tags: dict[int, list[float]] = {}
    for at in range(offset + 2, end, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", data, at)
        if kind in _FORMATS and length and tag not in tags:
            most = _MOST_STRIPS if tag in _LONG_TAGS else 1
            tags[tag] = _values(data, order + _FORMATS[kind], length, most, at + 8)
    return tags, struct.unpack_from(order + "I", data, end)[0]


def _values(data: bytes, one: str, length: int, most: int, at: int) -> list[float]:
    """Up to ``most`` of ``length`` numbers of the format ``one``; rationals as quotients."""
    if struct.calcsize(one) * length > 4:
        at = struct.unpack_from(one[0] + "I", data, at)[0]
    size = struct.calcsize(one)
    each = [struct.unpack_from(one, data, at + size * k) for k in range(min(length, most))]
    return [n[0] if len(n) == 1 else n[0] / n[1] if n[1] else 0.0 for n in each]


def header(data: bytes, *, whole: bool = True) -> Header:
    """Size, orientation and pages. Raw photos (DNG and their kin) are refused."""
    order = byte_order(data)
    first, following = read_directory(data, order, struct.unpack_from(order + "I", data, 4)[0])
    if DNG_VERSION in first or _is_extra(first):
        raise PictureUnsupported("The file is a raw photo, which staging does not read.")
    if WIDTH not in first or HEIGHT not in first:
        raise BadPicture("The TIFF file does not say how large it is.")
    if whole:
        _check_strips(first, len(data))
    return Header(
        content_type="image/tiff",
        extension="tif",
        width=int(first[WIDTH][0]),
        height=int(first[HEIGHT][0]),
        turned=first.get(ORIENTATION, [1])[0] in (5, 6, 7, 8),
        frames=1 + _further_pages(data, order, following),
    )


def _is_extra(tags: dict[int, list[float]]) -> bool:
    return bool(int(tags.get(NEW_SUBFILE_TYPE, [0])[0]) & _REDUCED_OR_MASK)


def _further_pages(data: bytes, order: str, offset: int) -> int:
    pages, seen = 0, set[int]()
    while offset and offset not in seen and len(seen) < _MOST_DIRECTORIES:
        seen.add(offset)
        tags, offset = read_directory(data, order, offset)
        pages += not _is_extra(tags)
    return pages


def _check_strips(tags: dict[int, list[float]], size: int) -> None:
    offsets = tags.get(_STRIPS) or tags.get(_TILES) or []
    sizes = tags.get(_STRIP_SIZES) or tags.get(_TILE_SIZES) or []
    if not offsets:
        raise PictureTruncated("The TIFF file has no pixels.")
    if any(offset + length > size for offset, length in zip(offsets, sizes, strict=False)):
        raise PictureTruncated("The TIFF file ends within its pixels.")
