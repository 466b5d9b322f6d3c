"""Between a photo's bytes and light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of linear red, green and blue in brightness (ITU-R BT.709)."""


def _decoded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encoded(light: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


_LIGHT_OF_BYTE = _decoded(np.arange(256) / 255).astype(np.float32)
_ROOTS = np.linspace(0, 1, 4097)
_BYTE_AT_ROOT = (255 * _encoded(_ROOTS**2)).astype(np.float32)


def to_light(pixels: NDArray[np.uint8]) -> Floats:
    """Linear light 0..1 of sRGB bytes (IEC 61966-2-1)."""
    return _LIGHT_OF_BYTE[pixels]


def to_srgb(light: Floats) -> Floats:
    """sRGB values 0..255, not yet rounded, of linear light."""
    # Looked up over the square root, since the curve is steepest near black.
    place = np.sqrt(np.clip(light, 0, 1)) * 4096
    low = np.minimum(place.astype(np.int32), 4095)
    left = _BYTE_AT_ROOT[low]
    return np.asarray(left + (_BYTE_AT_ROOT[low + 1] - left) * (place - low), np.float32)


def luminance(light: Floats) -> Floats:
    """Brightness (...) of linear colours (..., 3)."""
    return np.asarray(light @ LUMINANCE)


def shoulder(light: Floats, start: float = 0.7) -> Floats:
    """Bends light above ``start`` so that it nears 1 and never passes it."""
    over = np.maximum(light - start, 0) / (1 - start)
    return np.where(light > start, 1 - (1 - start) * np.exp(-over), light).astype(np.float32)
