"""Taking a photo in: read it within limits, look at its header, believe nothing else."""

from __future__ import annotations

import os
import stat
from importlib.util import find_spec

import msgspec

from staging_core.errors import (
    BadPicture,
    FileMissing,
    FileUnreadable,
    PictureAnimated,
    PictureEmpty,
    PictureTooLarge,
    PictureUnsupported,
)

from .formats.kinds import read_header
from .limits import Limits

# A pipe or a device must not make the opening wait; Windows knows neither flag.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture's header says. ``width`` and ``height`` in pixels, as seen upright."""

    content_type: str
    extension: str
    width: int
    height: int


async def read_photo(source: str | os.PathLike[str] | bytes, limits: Limits) -> bytes:
    """The bytes of a file (or those handed in), never more than ``limits.max_bytes``.

    Raises ``FileMissing``, ``FileUnreadable`` (a folder, a device, no permission),
    ``PictureEmpty`` or ``PictureTooLarge``. Symbolic links are followed.
    """
    if isinstance(source, bytes):
        data = source
    else:
        import asyncio  # not needed, and slow to import, in the decoding process

        data = await asyncio.to_thread(_read_file, os.fspath(source), limits.max_bytes + 1)
    _check_bytes(len(data), limits)
    return data


def examine(data: bytes, limits: Limits, *, whole: bool = True) -> Examined:
    """What the bytes are, from their header alone; nothing is decoded and no codec is loaded.

    Raises a ``BadPicture`` (by kind, size, frames, missing parts), which is ``PictureUnsupported``
    for a HEIC photo where nothing can read it. Not ``whole``: these are the first bytes of a file;
    ``PictureTruncated`` where they do not tell how large the picture is.
    """
    _check_bytes(len(data), limits)
    header = read_header(data, whole=whole)
    if header.frames > 1:
        raise PictureAnimated(f"The picture has {header.frames} frames.")
    check_size(header.width, header.height, limits)
    if header.content_type == "image/heic":
        require_heif()
    width, height = header.width, header.height
    if header.turned:
        width, height = height, width
    return Examined(
        content_type=header.content_type, extension=header.extension, width=width, height=height
    )


def check_size(width: int, height: int, limits: Limits) -> None:
    """Raise ``PictureTooLarge`` for too many pixels, ``BadPicture`` for none."""
    if width <= 0 or height <= 0:
        raise BadPicture("The picture has no pixels.")
    if max(width, height) > limits.max_side:
        raise PictureTooLarge(
            f"The picture is {width} x {height} pixels; a side has at most {limits.max_side}."
        )
    if width * height > limits.max_pixels:
        raise PictureTooLarge(
            f"The picture is {width} x {height} pixels, "
            f"{width * height / 1e6:.1f} megapixels; at most {limits.max_pixels / 1e6:g} are read."
        )


def require_heif() -> None:
    """Raise ``PictureUnsupported`` unless HEIC can be read here.

    Who sends such a photo can send another, so this is no fault of the installation's.
    """
    if find_spec("pillow_heif") is None:
        raise PictureUnsupported(
            "The photo is HEIC, which cannot be read here.",
            remedy="Send the photo as JPEG, or let whoever runs this "
            'pip install "staging-core[heif]".',
        )


def _check_bytes(size: int, limits: Limits) -> None:
    if size == 0:
        raise PictureEmpty()
    if size > limits.max_bytes:
        raise PictureTooLarge(f"The file is larger than {limits.max_bytes / 2**20:g} MiB.")


def _read_file(path: str, most: int) -> bytes:
    try:
        descriptor = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileMissing(f"There is no file {path!r}.") from error
    except (OSError, ValueError) as error:
        raise FileUnreadable(f"{path!r} cannot be read: {_reason(error)}.") from error
    try:
        _check_regular(path, os.fstat(descriptor).st_mode)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    except OSError as error:
        raise FileUnreadable(f"{path!r} cannot be read: {_reason(error)}.") from error
    finally:
        os.close(descriptor)


def _check_regular(path: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise FileUnreadable(f"{path!r} is {what}.")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)
