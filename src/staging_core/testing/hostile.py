"""Files that somebody will send instead of a photo, each with the error that must come of it.

Generated on the fly and small on disk; needs Pillow. Their counterpart, odd photos that must work,
are the ``unusual_files``.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO

import msgspec
from PIL import Image

from .png_writer import SIGNATURE, write_png
from .unusual import UnusualFile, quadrants, unusual_files

__all__ = ["HostileFile", "UnusualFile", "hostile_files", "unusual_files"]


class HostileFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that must be refused.

    ``name``: with the extension that it claims. ``build()``: its bytes. ``code``: of the error.
    ``in_header``: whether looking at the header is enough, so that no job is made of it.
    """

    name: str
    build: Callable[[], bytes]
    code: str
    in_header: bool = True

    def __repr__(self) -> str:
        return f"HostileFile({self.name}: {self.code})"


def hostile_files() -> Iterable[HostileFile]:
    """All of them, by the error that they deserve."""
    for code, files in _BY_CODE.items():
        for name, build in files.items():
            yield HostileFile(name=name, build=build, code=code)
    for code, files in _IN_PIXELS.items():
        for name, build in files.items():
            yield HostileFile(name=name, build=build, code=code, in_header=False)


def encoded(kind: str, size: tuple[int, int] = (48, 32), **options: object) -> bytes:
    """The picture of four patches as a file of Pillow's format ``kind``."""
    buffer = BytesIO()
    quadrants(size).save(buffer, kind, **options)
    return buffer.getvalue()


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _frames(kind: str) -> bytes:
    buffer = BytesIO()
    second = quadrants().transpose(Image.Transpose.ROTATE_180)
    quadrants().save(buffer, kind, save_all=True, append_images=[second])
    return buffer.getvalue()


def _black(width: int, height: int) -> bytes:
    """A PNG of one bit a pixel: 400 megapixels are 50 kB."""
    return write_png(width, height, _rows(width, height), depth=1, colour=0)


def _rows(width: int, height: int) -> Iterator[bytes]:
    row = bytes((width + 7) // 8)
    return (row for _ in range(height))


def _padded(size: int) -> bytes:
    return encoded("JPEG").ljust(size, b"\0")


def _profile_bomb() -> bytes:
    content = b"bomb\0\0" + _much_of_nothing()
    return write_png(1, 1, [b"\0\0\0"], extra=[(b"iCCP", content)])


def _text_bomb() -> bytes:
    content = b"Comment\0\0" + _much_of_nothing()
    return write_png(1, 1, [b"\0\0\0"], extra=[(b"zTXt", content)])


def _much_of_nothing() -> bytes:
    packer = zlib.compressobj(9)
    million = bytes(1_000_000)
    return b"".join([*(packer.compress(million) for _ in range(256)), packer.flush()])


def _wrong_pixels() -> bytes:
    whole = write_png(40, 40, [bytes(120)] * 40)
    return whole.replace(whole[whole.index(b"IDAT") + 4 :][:4], b"\xff\xff\xff\xff", 1)


def _raw_photo() -> bytes:
    entries = [(254, 4, 1, 1), (256, 4, 1, 16), (257, 4, 1, 16), (50706, 1, 4, 0x00000401)]
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)


def _float_picture() -> bytes:
    buffer = BytesIO()
    Image.new("F", (16, 16), 0.5).save(buffer, "TIFF")
    return buffer.getvalue()


def _zip() -> bytes:
    return b"PK\x03\x04" + bytes(60)


def _video() -> bytes:
    return struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 0, b"isom", b"mp42") + bytes(200)


_BY_CODE: dict[str, dict[str, Callable[[], bytes]]] = {
    "picture_empty": {"empty.jpg": lambda: b""},
    "picture_truncated": {
        "truncated.jpg": lambda: _half(encoded("JPEG")),
        "truncated.png": lambda: _half(encoded("PNG")),
        "truncated.webp": lambda: _half(encoded("WEBP")),
        "truncated.avif": lambda: _half(encoded("AVIF")),
        "truncated.tif": lambda: encoded("TIFF")[:2000],
        "header-only.jpg": lambda: encoded("JPEG")[:24],
        "signature-only.png": lambda: SIGNATURE,
    },
    "picture_unsupported": {
        "text.jpg": lambda: "Dear all, the photo is attached. Grüße\n".encode() * 40,
        "page.jpg": lambda: b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>",
        "drawing.png": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "document.jpg": lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "archive.jpg": _zip,
        "video.heic": _video,
        "still.gif": lambda: encoded("GIF"),
        "bitmap.png": lambda: encoded("BMP"),
        "raw.tif": _raw_photo,
        "noise.jpg": lambda: bytes(range(128, 256)) * 8,
    },
    "picture_animated": {
        "animated.gif": lambda: _frames("GIF"),
        "animated.png": lambda: _frames("PNG"),
        "animated.webp": lambda: _frames("WEBP"),
        "animated.avif": lambda: _frames("AVIF"),
        "pages.tif": lambda: _frames("TIFF"),
    },
    "picture_too_large": {
        "bomb-400-megapixels.png": lambda: _black(20_000, 20_000),
        "bomb-64-megapixels.png": lambda: _black(8_000, 8_000),
        "wide-12001-pixels.png": lambda: _black(12_001, 8),
        "high-12001-pixels.jpg": lambda: encoded("JPEG", (8, 12_001)),
        "large-26-mebibytes.jpg": lambda: _padded(26 * 2**20 + 1),
    },
    "picture_unreadable": {"no-pixels.png": lambda: write_png(0, 0, [b""])},
}
_IN_PIXELS: dict[str, dict[str, Callable[[], bytes]]] = {
    "picture_unreadable": {
        "wrong-pixels.png": _wrong_pixels,
        "profile-bomb.png": _profile_bomb,
        "text-bomb.png": _text_bomb,
    },
    "picture_unsupported": {"floating-point.tif": _float_picture},
}
