"""Smooth random fields over surfaces, the same on every run."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
TILE = 256
_ROW = 1024


@lru_cache(maxsize=1)
def _tile() -> Floats:
    tile = np.random.default_rng(20240611).standard_normal((TILE, TILE)).astype(np.float32)
    # Two cells of padding let the cubic filter wrap around.
    return np.pad(np.clip(tile, -2.5, 2.5), 2, mode="wrap")


def noise(u: Floats, v: Floats) -> Floats:
    """A field of about unit variance whose features are about one unit wide."""
    import cv2

    count = len(u)
    rows = -(-count // _ROW)
    at = np.zeros((2, rows * _ROW), np.float32)
    at[0, :count], at[1, :count] = np.mod(u, TILE) + 2, np.mod(v, TILE) + 2
    field = cv2.remap(
        _tile(), at[0].reshape(rows, _ROW), at[1].reshape(rows, _ROW), cv2.INTER_CUBIC
    )
    return np.asarray(field, np.float32).ravel()[:count]


def clouds(u: Floats, v: Floats, octaves: int = 3) -> Floats:
    """Noise with finer noise on top, about unit variance."""
    total = np.zeros_like(u)
    for octave in range(octaves):
        scale = np.float32(2.03**octave)
        total += noise(u * scale + 17 * octave, v * scale + 5 * octave) / scale
    return np.asarray(total * 0.87, np.float32)
