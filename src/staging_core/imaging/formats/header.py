"""What the beginning of a picture promises."""

from __future__ import annotations

import msgspec


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """A picture's promises. ``width`` and ``height`` as stored, ``turned``: seen upright they swap.

    ``frames``: pictures in the file that a viewer would show one after another.
    """

    content_type: str
    extension: str
    width: int
    height: int
    turned: bool = False
    frames: int = 1
