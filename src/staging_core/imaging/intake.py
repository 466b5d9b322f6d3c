"""Taking a photo in: read it within limits, look at its header, believe nothing else."""

from __future__ import annotations

import os

import msgspec

from .limits import Limits


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture's header says. ``width`` and ``height`` in pixels, as seen upright."""

    content_type: str
    extension: str
    width: int
    height: int


async def read_photo(source: str | os.PathLike[str] | bytes, limits: Limits) -> bytes:
    """The bytes of a file."""
    raise NotImplementedError


def examine(data: bytes, limits: Limits) -> Examined:
    """What the bytes are, from their header alone."""
    raise NotImplementedError
