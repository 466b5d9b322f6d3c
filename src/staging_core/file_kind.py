"""What a file's name and type may be, and whether its bytes are what they say."""

from __future__ import annotations

from .errors import UploadMismatch, ValidationFailed

_UNTOLD = "application/octet-stream"
_HEIF = ("image/heic", "image/heif", _UNTOLD)
_TYPES: dict[str, tuple[str, ...]] = {
    "jpg": ("image/jpeg", "image/jpg"),
    "jpeg": ("image/jpeg", "image/jpg"),
    "png": ("image/png",),
    "webp": ("image/webp",),
    "heic": _HEIF,
    "heif": _HEIF,
    "avif": ("image/avif", _UNTOLD),
    "tif": ("image/tiff", _UNTOLD),
    "tiff": ("image/tiff", _UNTOLD),
}
"""By the ending of a name, the types that it is announced as: browsers do not know all of them."""

_BYTES: dict[str, tuple[str, ...]] = {
    "jpg": ("image/jpeg",),
    "jpeg": ("image/jpeg",),
    "png": ("image/png",),
    "webp": ("image/webp",),
    "heic": ("image/heic", "image/avif"),
    "heif": ("image/heic", "image/avif"),
    "avif": ("image/avif",),
    "tif": ("image/tiff",),
    "tiff": ("image/tiff",),
}
"""By the same, what the bytes may be."""

_LONGEST_NAME = 255


def check_announced(
    filename: object, content_type: object, size: object = 1, *, most: int = 1
) -> None:
    """``ValidationFailed`` names what cannot be: the name, a type that does not fit it, the size.

    ``size``: bytes, at most ``most``.
    """
    wrong = {}
    ending = ending_of(filename)
    if ending is None:
        wrong["filename"] = (
            f"A name of 1 to {_LONGEST_NAME} characters that ends in {', '.join(_TYPES)}."
        )
    elif content_type not in _TYPES[ending]:
        wrong["content_type"] = f"One of {', '.join(_TYPES[ending])} for a .{ending} file."
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= most:
        wrong["file_size"] = f"1 to {most} bytes."
    if wrong:
        raise ValidationFailed(fields=wrong)


def check_bytes(filename: str, found: str) -> None:
    """``UploadMismatch`` unless bytes of the type ``found`` fit the name."""
    if found not in _BYTES[ending_of(filename) or ""]:
        raise UploadMismatch(f"The file is {found}, which its name does not say.")


def ending_of(filename: object) -> str | None:
    """The known ending, in lower case; None for what is no file's name of that kind."""
    if not isinstance(filename, str) or not 1 <= len(filename) <= _LONGEST_NAME:
        return None
    if not filename.isprintable() or "/" in filename or "\\" in filename:
        return None
    stem, dot, ending = filename.rpartition(".")
    return ending.lower() if stem and dot and ending.lower() in _TYPES else None
