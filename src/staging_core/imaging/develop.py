"""From foreign bytes to pixels; runs in the decoding process only.

Weak spot: a file whose container is whole while its pixels end early (an editor closed it badly)
decodes with a flat rest, as Pillow and every viewer show it.
"""

from __future__ import annotations

import warnings
import zlib
from importlib import import_module
from io import BytesIO
from typing import Any

import msgspec
from PIL import Image

from staging_core.errors import BadPicture, PictureTooLarge, PictureTruncated, PictureUnsupported

from .colour import to_srgb
from .formats.exif import Exif, focal_px, read_exif
from .formats.kinds import AVIF, HEIF, TIFF, Kind, sniff
from .intake import check_size, examine
from .limits import Limits

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Developed(msgspec.Struct, frozen=True, kw_only=True):
    """Pixels in sRGB, mode RGB, upright; ``focal_px`` where the camera told a credible one."""

    image: Image.Image
    focal_px: float | None


def develop(data: bytes, limits: Limits) -> Developed:
    """Decode a picture; ``BadPicture`` or a subclass whatever is wrong with it."""
    examine(data, limits)
    kind = sniff(data)
    try:
        image = _decoded(data, kind, limits)
        exif = read_exif(data if kind is TIFF else image.info.get("exif") or b"")
        image = _upright(to_srgb(image), kind, exif)
    except BadPicture:
        raise
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureTooLarge("The picture needs more memory than decoding may use.") from error
    except Exception as error:
        # Decoders fed with rubbish raise whatever their authors did not think of.
        raise _verdict(error, kind) from error
    image.info.clear()  # Pillow would write the profile, comments and the like into the next file
    return Developed(image=image, focal_px=focal_px(exif, *image.size))


def encode_png(image: Image.Image) -> bytes:
    """Lossless and quick: on photos run lengths pack as well as zlib's level 1, in less time."""
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def _decoded(data: bytes, kind: Kind, limits: Limits) -> Image.Image:
    _load_codec(kind)
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = Image.open(BytesIO(data), formats=(kind.pillow,))
        check_size(*image.size, limits)
        image.load()
    return image


def _load_codec(kind: Kind) -> None:
    """Import the one decoder that is needed: the others would cost time and only add risk."""
    codec: Any = import_module(kind.codec)
    if kind is HEIF:
        codec.register_heif_opener(
            thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
        )
    if not getattr(codec, "SUPPORTED", True):
        raise PictureUnsupported(f"This installation's Pillow cannot read {kind.name}.")
    if kind is AVIF:
        codec.DEFAULT_MAX_THREADS = 1  # threads would reserve memory of their own


def _upright(image: Image.Image, kind: Kind, exif: Exif) -> Image.Image:
    """Turn by the Exif orientation, but for the two kinds that decoding puts upright."""
    turn = None if kind in (TIFF, HEIF) else _TURNS.get(exif.orientation)
    return image if turn is None else image.transpose(turn)


def _verdict(error: Exception, kind: Kind) -> BadPicture:
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return PictureTruncated()
    return BadPicture(f"The {kind.name} picture cannot be decoded; it is damaged.")
