"""A PNG writer that also writes what no library would: bombs, lies and 16 bit colour."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
Chunk = tuple[bytes, bytes]


def write_png(
    width: int,
    height: int,
    rows: Iterable[bytes],
    *,
    depth: int = 8,
    colour: int = 2,
    extra: Iterable[Chunk] = (),
) -> bytes:
    """A PNG file. ``rows``: packed samples; ``colour``: 0 grey, 2 RGB; ``extra``: before IDAT."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)),
        *extra,
        (b"IDAT", b"".join(_deflated(rows))),
        (b"IEND", b""),
    ]
    return SIGNATURE + b"".join(chunk(name, content) for name, content in chunks)


def chunk(name: bytes, content: bytes) -> bytes:
    """One chunk with its length and checksum."""
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def _deflated(rows: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(9)
    for row in rows:
        yield packer.compress(b"\0" + row)
    yield packer.flush()
