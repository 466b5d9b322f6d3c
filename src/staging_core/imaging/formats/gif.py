"""GIF: only told apart, still or moving (GIF89a specification); staging reads neither."""

from __future__ import annotations

_EXTENSION, _IMAGE = 0x21, 0x2C
_MOST_BLOCKS = 10_000


def frames(data: bytes) -> int:
    """How many pictures the file shows, as far as its blocks can be followed."""
    found = 0
    try:
        at = 13 + _colours(data[10])
        for _ in range(_MOST_BLOCKS):
            if data[at] == _EXTENSION:
                at = _after_parts(data, at + 2)
            elif data[at] == _IMAGE:
                found += 1
                at = _after_parts(data, at + 11 + _colours(data[at + 9]))
            else:
                break
    except IndexError:
        pass  # cut short: what was counted so far decides
    return found


def _colours(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_parts(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1
