"""How bright a white surface would be in this photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .light_field import LightField
from .photo_light import BEHIND, FINE, PhotoLight, texel_points
from .tone import luminance

Floats = NDArray[np.float32]
WHITE_ALBEDO = 0.82
"""White wall paint sends back about this share of the light it gets."""
NEUTRAL = 0.5
"""How much of the walls' colour is taken out of the light that comes from them, since a part of all
light comes from lamps and windows directly."""
SAMPLES = 12


def calibrated(light: PhotoLight, field: LightField) -> PhotoLight:
    """``light`` with its exposure and white. ``field``: the same room's light before exposure.

    The light at places of the walls, floor and ceiling, times their albedo, must give what the
    photo shows there. The brightest surfaces of a room (the 85th percentile of that quotient) are
    taken for white paint.
    """
    shown, arriving = _surfaces(light, field)
    quotient = luminance(shown) / np.maximum(luminance(arriving), 1e-4)
    usable = shown.min(axis=1) < 0.9
    if usable.sum() < 16:
        usable[:] = True
    bright = float(np.percentile(quotient[usable], 85))
    exposure = np.clip(bright / WHITE_ALBEDO, 0.6, 2.5)
    tint = _chroma(_brightest(shown[usable])) / _chroma(np.median(arriving, axis=0))
    like_white = usable & (quotient >= np.percentile(quotient[usable], 60))
    white = np.median(luminance(shown[like_white])) * _chroma(_brightest(shown[usable]))
    return replace(
        light,
        exposure=np.asarray(exposure * tint**NEUTRAL, np.float32),
        white=np.asarray(white / WHITE_ALBEDO, np.float32),
    )


def _brightest(shown: Floats) -> Floats:
    """The colour (3,) of bright surfaces, most likely ceiling, trim and other white things.

    The very brightest are left out: they are windows, and show what is outside.
    """
    bright = luminance(shown)
    low, high = np.percentile(bright, (65, 90))
    return np.asarray(np.median(shown[(bright >= low) & (bright <= high)], axis=0), np.float32)


def _chroma(colour: Floats) -> Floats:
    return np.asarray(colour / np.maximum(luminance(colour), 1e-4), np.float32)


def _surfaces(light: PhotoLight, field: LightField) -> tuple[Floats, Floats]:
    """What the photo shows at places of the box and the light that arrives there, both (n, 3)."""
    step = FINE // SAMPLES
    some = slice(step // 2, None, step)
    shown, arriving = [], []
    for face in (f for f in range(6) if f != BEHIND):
        points = texel_points(light.low, light.high, face, FINE)[some, some].reshape(-1, 3)
        normals = np.zeros_like(points)
        normals[:, face // 2] = 1 if face % 2 == 0 else -1
        shown.append(light.levels[0][face, some, some].reshape(-1, 3))
        arriving.append(field.at(points, normals)[0])
    return np.concatenate(shown), np.concatenate(arriving)
