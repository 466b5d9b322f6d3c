"""The photo's own noise and sharpness, so that furniture is no cleaner or crisper than its room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .antialias import Softness

Floats = NDArray[np.float32]
BLOCK = 16
STRIP = 1024
TILE = 509
"""Side of the repeated noise: a prime, so that it meets no pattern of the photo."""


@dataclass(frozen=True, slots=True)
class Grain:
    """Noise to add: ``tile`` (TILE, TILE, 3) of unit noise, its ``strength`` in 8-bit steps."""

    tile: Floats
    strength: float

    @classmethod
    def of(cls, photo: NDArray[np.uint8], seed: int) -> Grain:
        """Noise as strong as in the photo's smoothest blocks."""
        import cv2

        rng = np.random.default_rng([seed, 0x6E015E])
        common, own = rng.standard_normal((TILE, TILE, 1)), rng.standard_normal((TILE, TILE, 3))
        tile = (0.85 * common + 0.5 * own).astype(np.float32)
        soft = cv2.GaussianBlur(tile, (3, 3), 0.45)
        return cls(soft / soft.std(), noise_of(photo))

    def at(self, columns: NDArray[np.int64], rows: NDArray[np.int64]) -> Floats:
        """Unit noise (n, 3) of pixels."""
        return self.tile[rows % TILE, columns % TILE]


def noise_of(photo: NDArray[np.uint8]) -> float:
    """Deviation of the photo's noise in 8-bit steps, 0..6, from blocks without detail."""
    import cv2

    grey = cv2.cvtColor(_strips(photo), cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (5, 5), 1.0)
    height, width = (size // BLOCK * BLOCK for size in grey.shape)
    if height == 0 or width == 0:
        return 0.0
    shape = (height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    blocks = fine[:height, :width].reshape(shape).std(axis=(1, 3))
    level = grey[:height, :width].reshape(shape).mean(axis=(1, 3))
    fair = blocks[(level > 25) & (level < 230)]
    # The blur takes a part of white noise away with itself.
    return float(np.clip(np.percentile(fair, 25) * 1.1, 0, 6)) if len(fair) else 0.0


def softness_of(photo: NDArray[np.uint8]) -> Softness:
    """Width of the photo's sharpest edges in pixels, 1..4: contrast over steepest slope."""
    import cv2

    grey = cv2.cvtColor(_strips(photo), cv2.COLOR_RGB2GRAY).astype(np.float32)
    across = np.abs(cv2.Sobel(grey, -1, 1, 0, ksize=1)) / 2
    upright = np.abs(cv2.Sobel(grey, -1, 0, 1, ksize=1)) / 2
    slope = np.maximum(across, upright)
    near = np.ones((9, 9), np.uint8)
    contrast = cv2.dilate(grey, near) - cv2.erode(grey, near)
    ridge = (slope >= cv2.dilate(slope, np.ones((3, 3), np.uint8))) & (contrast > 60)
    if ridge.sum() < 64:
        return Softness(1.0)
    widths = contrast[ridge] / np.maximum(slope[ridge], 1)
    # A perfect step measures 2 with these slopes; a quarter of all edges are taken to be in focus.
    return Softness(float(np.clip(np.percentile(widths, 25) - 1.0, 1, 4)))


def _strips(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of the photo at full size, bounded, since that is all the statistics need."""
    height, width = photo.shape[:2]
    top, left = max(0, (height - STRIP) // 2), max(0, (width - STRIP) // 2)
    return np.ascontiguousarray(photo[top : top + STRIP, left : left + STRIP])
