"""Photos that look odd to a program and are none the worse for it: all of them must be accepted."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Any

import msgspec
from PIL import Image, ImageCms

from .display_p3 import display_p3_profile
from .png_writer import write_png

Colour = tuple[int, int, int]
RED, GREEN, BLUE, CREAM = (200, 40, 40), (40, 160, 60), (50, 60, 190), (230, 225, 210)
WHITE = (255, 255, 255)
_PATCHES = (RED, GREEN, BLUE, CREAM)
_EXIF = b"Exif\0\0"
_ORIENTED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


class UnusualFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that must be accepted.

    ``build()``: its bytes. ``width``, ``height``: upright. ``colours``: in sRGB, in the middle of
    the four quarters of the upright picture (top left, top right, bottom left, bottom right), each
    within ``tolerance`` of 255 a channel.
    """

    name: str
    build: Callable[[], bytes]
    width: int = 48
    height: int = 32
    colours: tuple[Colour, ...] = _PATCHES
    tolerance: int = 8

    def __repr__(self) -> str:
        return f"UnusualFile({self.name})"


def unusual_files() -> Iterable[UnusualFile]:
    """All of them; the HEIC one only where pillow-heif is installed."""
    for orientation in _ORIENTED:
        for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
            yield UnusualFile(
                name=f"orientation-{orientation}.{kind.lower()}", build=_turned(kind, orientation)
            )
    for name, build in _SAME_COLOURS.items():
        yield UnusualFile(name=name, build=build, tolerance=12)
    yield from _OTHER_COLOURS
    yield from _heic()


def quadrants(size: tuple[int, int] = (48, 32), mode: str = "RGB") -> Image.Image:
    """Four patches: red and green above blue and cream."""
    small = Image.new("RGB", (2, 2))
    small.putdata(_PATCHES)
    return small.resize(size, Image.Resampling.NEAREST).convert(mode)


def exif_block(orientation: int, *, gps: bool = False) -> bytes:
    """A small Exif block with an orientation and, if asked for, a position."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    if gps:
        exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}
        exif[0xA431] = "serial number 4711"
    return exif.tobytes()


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of Pillow's format ``kind``, at a high quality."""
    buffer = BytesIO()
    quality = {} if kind in ("PNG", "TIFF", "MPO") else {"quality": 98}
    image.save(buffer, kind, **quality, **options)
    return buffer.getvalue()


def _turned(kind: str, orientation: int) -> Callable[[], bytes]:
    def build() -> bytes:
        operation = _ORIENTED[orientation]
        stored = quadrants() if operation is None else quadrants().transpose(operation)
        if kind == "TIFF":
            return saved(stored, kind, tiffinfo={0x0112: orientation})
        return saved(stored, kind, exif=exif_block(orientation))

    return build


def _with_exif(block: bytes) -> bytes:
    return saved(quadrants(), "JPEG", exif=block)


def _two_pictures() -> bytes:
    """What cameras write for a photo with a preview or a depth map: JPEG that is also MPO."""
    return saved(quadrants(), "MPO", save_all=True, append_images=[quadrants((24, 16))])


def _transparent(mode: str) -> bytes:
    image = quadrants(mode="RGBA")
    image.paste((0, 0, 0, 0), (24, 16, 48, 32))
    image.paste((*RED, 0), (0, 0, 1, 1))
    return saved(image.quantize(16) if mode == "P" else image.convert(mode), "PNG")


def _half_transparent() -> bytes:
    return saved(Image.new("RGBA", (48, 32), (255, 0, 0, 128)), "PNG")


def _deep_colour() -> bytes:
    """16 bits a channel, the low byte full of what must not show."""
    image = quadrants()
    rows = [
        b"".join(
            struct.pack(">H", value << 8 | 0x5A)
            for x in range(image.width)
            for value in image.getpixel((x, y))  # type: ignore[union-attr]
        )
        for y in range(image.height)
    ]
    return write_png(48, 32, rows, depth=16)


def _deep_grey() -> bytes:
    halves = [0x4000] * 24 + [0xC000] * 24
    return write_png(48, 32, [struct.pack(">48H", *halves)] * 32, depth=16, colour=0)


def _wide_gamut() -> bytes:
    image = Image.new("RGB", (48, 32), (150, 100, 80))
    return saved(image, "PNG", icc_profile=display_p3_profile())


def _lab() -> Image.Image:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    converted = ImageCms.profileToProfile(quadrants(), srgb, lab, outputMode="LAB")
    assert converted is not None
    return converted


def _above_100(level: int) -> int:
    return 255 if level > 100 else 0


def _heic() -> Iterable[UnusualFile]:
    if find_spec("pillow_heif") is None:
        return
    yield UnusualFile(name="photo.heic", build=_phone_photo, width=64, height=96, tolerance=12)
    yield UnusualFile(
        name="bare.heic", build=lambda: _heif(quadrants((96, 64))), width=96, height=64
    )


def _phone_photo() -> bytes:
    """As a phone held upright writes it: stored lying, turned by the container."""
    stored = quadrants((64, 96)).transpose(Image.Transpose.ROTATE_90)
    return _heif(stored, exif=exif_block(6))


def _heif(image: Image.Image, **options: Any) -> bytes:
    heif: Any = import_module("pillow_heif")
    heif.register_heif_opener()
    return saved(image, "HEIF", **options)


def _grey(level: int) -> Colour:
    return level, level, level


_SAME_COLOURS: dict[str, Callable[[], bytes]] = {
    "cmyk.jpg": lambda: saved(quadrants(mode="CMYK"), "JPEG"),
    "cmyk.tif": lambda: saved(quadrants(mode="CMYK"), "TIFF"),
    "16-bit.png": _deep_colour,
    "palette.png": lambda: saved(quadrants().quantize(8), "PNG"),
    "ycbcr.tif": lambda: saved(quadrants(mode="YCbCr"), "TIFF"),
    "lab.tif": lambda: saved(_lab(), "TIFF"),
    "progressive.jpg": lambda: saved(quadrants(), "JPEG", progressive=True),
    "two-pictures.jpg": _two_pictures,
    "lossless.webp": lambda: saved(quadrants(), "WEBP", lossless=True),
    "photo.avif": lambda: saved(quadrants(), "AVIF"),
    "photo.tif": lambda: saved(quadrants(), "TIFF", compression="tiff_lzw"),
    "exif-rubbish.jpg": lambda: _with_exif(_EXIF + b"rubbish" * 9),
    "exif-cut.jpg": lambda: _with_exif(exif_block(1)[:18]),
    "exif-loop.jpg": lambda: _with_exif(_EXIF + b"MM\0*" + struct.pack(">IHI", 8, 0, 8)),
    "exif-orientation-9.jpg": lambda: _with_exif(exif_block(9)),
    "exif-rubbish.png": lambda: saved(quadrants(), "PNG", exif=_EXIF + b"rubbish" * 9),
    "exif-rubbish.webp": lambda: saved(quadrants(), "WEBP", exif=_EXIF + b"rubbish" * 9),
    "position.jpg": lambda: _with_exif(exif_block(1, gps=True)),
    "profile-rubbish.jpg": lambda: saved(quadrants(), "JPEG", icc_profile=b"rubbish" * 40),
    "archive-behind.jpg": lambda: saved(quadrants(), "JPEG") + b"PK\x05\x06" + bytes(18),
    "page-behind.png": lambda: saved(quadrants(), "PNG") + b"<html><script>alert(1)</script>",
}
_OTHER_COLOURS: tuple[UnusualFile, ...] = (
    UnusualFile(
        name="transparent.png",
        build=lambda: _transparent("RGBA"),
        colours=(RED, GREEN, BLUE, WHITE),
    ),
    UnusualFile(
        name="transparent-palette.png",
        build=lambda: _transparent("P"),
        colours=(RED, GREEN, BLUE, WHITE),
        tolerance=12,
    ),
    UnusualFile(
        name="transparent-grey.png",
        build=lambda: _transparent("LA"),
        colours=(_grey(88), _grey(113), _grey(72), WHITE),
    ),
    UnusualFile(
        name="half-transparent.png", build=_half_transparent, colours=((255, 127, 127),) * 4
    ),
    UnusualFile(
        name="grey.jpg",
        build=lambda: saved(quadrants(mode="L"), "JPEG"),
        colours=(_grey(88), _grey(113), _grey(72), _grey(225)),
    ),
    UnusualFile(
        name="16-bit-grey.png",
        build=_deep_grey,
        colours=(_grey(64), _grey(191)) * 2,
        tolerance=1,
    ),
    UnusualFile(
        name="two-levels.png",
        build=lambda: saved(quadrants(mode="L").point(_above_100, "1"), "PNG"),
        colours=(_grey(0), _grey(255), _grey(0), _grey(255)),
    ),
    # Display P3 (150, 100, 80) by the matrices of SMPTE EG 432-1 and IEC 61966-2-1.
    UnusualFile(
        name="display-p3.png", build=_wide_gamut, colours=((159, 97, 76),) * 4, tolerance=1
    ),
)
