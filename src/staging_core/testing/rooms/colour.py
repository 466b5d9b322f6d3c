"""The paints of synthetic rooms, and the way between sRGB and linear light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

FLOOR_PAINTS = {
    "boards": "c8a276 b98a5a 8a5a36 5b3a26 d9c3a0 a59a8c 8d857b 9c4f2b 3d2c24",
    "tiles": "e4e0d8 d2c7b4 b9b2a8 8f8a84 b5734f efefee 55524f c9b083",
    "carpet": "b8ac9b 8f8477 6d5c4d 9aa0a6 c9c2b4 4d4640 7b8a86 8c5f52",
    "concrete": "a8a6a2 8b8a88 bdb7ad 6c6b69 c9c5be",
}
WHITES = "f4f3f0 f1ede4 ebe6da eeeeee f7f7f7 e6e1d6 "
MID_TONES = "dcd8d0 cfcac0 c9d0cf d9c9b0 c5cdb9 b8c4cc d8bfae a7a196 e5d6a2 9fb0a3"
WALL_PAINTS = WHITES * 2 + MID_TONES
ACCENT_PAINTS = "2f3e52 8a4b38 3e5545 4a4a4c b98b3c 6b7f8c 7a5c6e 95684a"
TRIM_PAINTS = "f6f5f1 " * 5 + "7a5233 a8794f 3a3532 d8d3c8"
DOOR_PAINTS = "f5f4f0 " * 5 + "6e4630 9b6b43 c49a6c 3c3b3a 8d99a0"
FRAME_PAINTS = "f6f6f3 " * 4 + "5e4030 2e2e2f 8a8d90"
CLUTTER_PAINTS = ACCENT_PAINTS + " b58b5a c29a68 a67c4e d8d4cc 7d2f33 22252a e6e2d8"


def linear(code: str) -> Floats:
    """Linear RGB (3,) of an ``rrggbb`` code."""
    levels = np.frombuffer(bytes.fromhex(code), np.uint8).astype(np.float32) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def srgb(light: Floats) -> Floats:
    """sRGB levels 0..1 of linear light, clipped."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def pick(rng: np.random.Generator, paints: str) -> Floats:
    """One of the paints as linear RGB."""
    codes = paints.split()
    return linear(codes[rng.integers(len(codes))])
