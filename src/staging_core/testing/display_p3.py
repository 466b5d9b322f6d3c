"""An ICC profile of Display P3, written from its definition (SMPTE EG 432-1, ICC.1:2022)."""

from __future__ import annotations

import struct

# Primaries adapted to D50, and the curve of IEC 61966-2-1.
_COLUMNS = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
    b"wtpt": (0.96420, 1.0, 0.82491),
}
_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_D50 = (0.96420, 1.0, 0.82491)


def display_p3_profile() -> bytes:
    """The profile, about 500 bytes."""
    tags = {
        b"desc": _text("Display P3"),
        b"cprt": _text("Public domain"),
        **{name: b"XYZ \0\0\0\0" + _numbers(xyz) for name, xyz in _COLUMNS.items()},
        **{name: _curve() for name in (b"rTRC", b"gTRC", b"bTRC")},
    }
    table, body, at = [], [], 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table.append(struct.pack(">4sII", name, at, len(content)))
        body.append(content + b"\0" * (-len(content) % 4))
        at += len(body[-1])
    return b"".join([_header(at), struct.pack(">I", len(tags)), *table, *body])


def _header(size: int) -> bytes:
    start = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    date = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    rest = struct.pack(">4s4sI4s4sQI", b"acsp", b"\0\0\0\0", 0, b"\0\0\0\0", b"\0\0\0\0", 0, 0)
    return (start + date + rest + _numbers(_D50)).ljust(128, b"\0")


def _curve() -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + _numbers(_CURVE)


def _numbers(values: tuple[float, ...]) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return (
        b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded
    )
