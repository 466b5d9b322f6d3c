"""AVIF and HEIC: boxes of ISO/IEC 14496-12, image items of ISO/IEC 23008-12."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from staging_core.errors import BadPicture, PictureAnimated, PictureTruncated

from .header import Header

AVIF_BRANDS = frozenset({b"avif", b"avis"})
HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_SEQUENCES = frozenset({b"avis", b"msf1", b"hevc", b"hevx", b"hevm", b"hevs"})
_MOST_BOXES = 10_000

Span = tuple[int, int]


def brands(data: bytes) -> frozenset[bytes]:
    """The brands that the file claims; none if it is no such file."""
    if data[4:8] != b"ftyp":
        return frozenset()
    size = min(int.from_bytes(data[:4], "big"), 4096)
    listed = (data[at : at + 4] for at in range(16, size, 4))
    return frozenset({data[8:12], *listed})


def header(data: bytes, *, whole: bool = True) -> Header:
    """Size and orientation (irot) of the primary image."""
    if data[8:12] in _SEQUENCES:
        raise PictureAnimated("The file is a sequence of pictures.")
    meta = _find(data, (0, len(data)), b"meta", whole=whole)
    properties = _properties(data, (meta[0] + 4, meta[1]))
    size = next((data[s + 4 : s + 12] for name, s in properties if name == b"ispe"), None)
    if size is None:
        raise BadPicture("The file does not say how large its picture is.")
    width, height = struct.unpack(">II", size)
    turns = sum(data[start] & 3 for name, start in properties if name == b"irot")
    is_avif = bool(brands(data) & AVIF_BRANDS)
    return Header(
        content_type="image/avif" if is_avif else "image/heic",
        extension="avif" if is_avif else "heic",
        width=width,
        height=height,
        turned=turns % 2 == 1,
    )


def _boxes(data: bytes, span: Span) -> Iterator[tuple[bytes, int, int]]:
    """Each box's name, and where its content starts and ends."""
    at, last = span
    for _ in range(_MOST_BOXES):
        if at + 8 > last:
            return
        size, name = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            size, start = struct.unpack_from(">Q", data, at + 8)[0], at + 16
        end = at + size if size else last
        if end > last or end < start:
            raise PictureTruncated("The file ends within a box.")
        yield name, start, end
        at = end
    raise BadPicture("The file is cut into far too many boxes.")


def _find(data: bytes, span: Span, wanted: bytes, *, whole: bool = True) -> Span:
    """The first box of that name; ``whole``: all of ``span`` is looked at, whatever it holds."""
    found: list[Span] = []
    for name, start, end in _boxes(data, span):
        if name == wanted:
            found.append((start, end))
        if found and not whole:
            break
    if not found:
        raise BadPicture(f"The file has no {wanted.decode()} box, so it holds no still picture.")
    return found[0]


def _properties(data: bytes, meta: Span) -> list[tuple[bytes, int]]:
    """Names and places of the properties of the primary item."""
    pitm = _find(data, meta, b"pitm")[0]
    primary = _item_number(data, pitm + 4, data[pitm])
    shelf = _find(data, meta, b"iprp")
    known = [(name, s) for name, s, _ in _boxes(data, _find(data, shelf, b"ipco"))]
    numbers = _associations(data, _find(data, shelf, b"ipma"), primary)
    return [known[number - 1] for number in numbers if 0 < number <= len(known)]


def _item_number(data: bytes, at: int, version: int) -> int:
    return int(struct.unpack_from(">I" if version else ">H", data, at)[0])


def _associations(data: bytes, ipma: Span, item: int) -> list[int]:
    """The property numbers (from 1) that box ipma gives to ``item``."""
    at = ipma[0]
    version, flags = data[at], data[at + 3]
    wide = flags & 1
    entries = struct.unpack_from(">I", data, at + 4)[0]
    at += 8
    for _ in range(min(entries, _MOST_BOXES)):
        number = _item_number(data, at, version)
        at += 4 if version else 2
        count, at = data[at], at + 1
        if number == item:
            # The highest bit says "essential".
            listed = struct.unpack_from(f">{count}{'H' if wide else 'B'}", data, at)
            return [value & (0x7FFF if wide else 0x7F) for value in listed]
        at += count * (2 if wide else 1)
    return []
