"""Which kind of file is it? Names and declared types are never asked."""

from __future__ import annotations

import struct
from typing import Protocol

import msgspec

from staging_core.errors import PictureAnimated, PictureTruncated, PictureUnsupported

from . import gif, isobmff, jpeg, png, tiff, webp
from .header import Header


class ReadsHeader(Protocol):
    """Reads a header; not ``whole``: from the beginning of a file, which may end too early."""

    def __call__(self, data: bytes, *, whole: bool = True) -> Header:
        """The header, or whatever reading on fails with."""
        ...


class Kind(msgspec.Struct, frozen=True):
    """A kind of picture that can be read.

    ``pillow``: Pillow's name for it; ``codec``: the module that teaches Pillow to read it.
    """

    name: str
    pillow: str
    codec: str
    header: ReadsHeader
    content_type: str
    extension: str


JPEG = Kind("JPEG", "JPEG", "PIL.JpegImagePlugin", jpeg.header, "image/jpeg", "jpg")
PNG = Kind("PNG", "PNG", "PIL.PngImagePlugin", png.header, "image/png", "png")
WEBP = Kind("WebP", "WEBP", "PIL.WebPImagePlugin", webp.header, "image/webp", "webp")
TIFF = Kind("TIFF", "TIFF", "PIL.TiffImagePlugin", tiff.header, "image/tiff", "tif")
AVIF = Kind("AVIF", "AVIF", "PIL.AvifImagePlugin", isobmff.header, "image/avif", "avif")
HEIF = Kind("HEIC", "HEIF", "pillow_heif", isobmff.header, "image/heic", "heic")

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"BM", "a BMP picture"),
    (b"8BPS", "a Photoshop file"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"FUJIFILMCCD-RAW", "a raw photo"),
    (b"IIRO", "a raw photo"),
    (b"IIU\0", "a raw photo"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


def sniff(data: bytes) -> Kind:
    """The kind of picture; ``PictureUnsupported`` says what it is instead, as far as it shows."""
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(png.SIGNATURE):
        return PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[:4] in (b"II*\0", b"MM\0*"):
        return TIFF
    brands = isobmff.brands(data)
    if brands & isobmff.AVIF_BRANDS:
        return AVIF
    if brands & isobmff.HEIF_BRANDS:
        return HEIF
    raise _refusal(data, bool(brands))


def read_header(data: bytes, *, whole: bool = True) -> Header:
    """The header of a picture of any known kind; ``BadPicture`` or one of its subclasses if not.

    Reads the container's structure only, in time bounded by the file's size. Not ``whole``: these
    are the first bytes of a file; ``PictureTruncated`` where they do not tell its size.
    """
    kind = sniff(data)
    try:
        return kind.header(data, whole=whole)
    except (struct.error, IndexError) as error:
        raise PictureTruncated(f"The {kind.name} file ends within its header.") from error


def _refusal(data: bytes, has_brands: bool) -> PictureUnsupported | PictureAnimated:
    if data.startswith((b"GIF87a", b"GIF89a")):
        if gif.frames(data) > 1:
            return PictureAnimated("The file is an animated GIF.")
        return PictureUnsupported("The file is a GIF picture.")
    what = "a video or another kind of media file" if has_brands else _name(data)
    return PictureUnsupported(f"The file is {what}, not a photo that staging reads.")


def _name(data: bytes) -> str:
    for magic, name in _OTHERS:
        if data.startswith(magic):
            return name
    beginning = data[:1024]
    if b"%PDF-" in beginning:
        return "a PDF document"
    lower = beginning.lower()
    if b"<svg" in lower:
        return "an SVG drawing"
    if lower.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    return "text" if _is_text(beginning) else "of an unknown kind"


def _is_text(beginning: bytes) -> bool:
    try:
        text = beginning.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut by the end of the excerpt.
        text = beginning[: error.start].decode("utf-8") if error.start > 1000 else "\0"
    return all(letter.isprintable() or letter in "\t\r\n\f\ufeff" for letter in text)
