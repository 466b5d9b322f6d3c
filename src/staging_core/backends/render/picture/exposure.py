"""How bright a white surface would be in this photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .gather import hemisphere, turned
from .photo_light import BEHIND, COARSE, PhotoLight, texel_points
from .tone import luminance

Floats = NDArray[np.float32]
WHITE_ALBEDO = 0.82
"""White wall paint sends back about this share of the light it gets."""
SAMPLES = 12


def calibrated(light: PhotoLight) -> PhotoLight:
    """``light`` with its exposure and white.

    The gathered light at places of the walls, floor and ceiling, times their albedo, must give
    what the photo shows there. The brightest surfaces of a room (the 85th percentile of that
    quotient) are taken for white paint.
    """
    shown, gathered = _surfaces(light)
    quotient = luminance(shown) / np.maximum(luminance(gathered), 1e-4)
    usable = shown.min(axis=1) < 0.9
    if usable.sum() < 16:
        usable[:] = True
    bright = float(np.percentile(quotient[usable], 85))
    exposure = float(np.clip(bright / WHITE_ALBEDO, 0.6, 2.5))
    like_white = usable & (quotient >= np.percentile(quotient[usable], 60))
    white = np.median(shown[like_white] / WHITE_ALBEDO, axis=0).astype(np.float32)
    return replace(light, exposure=exposure, white=white)


def _surfaces(light: PhotoLight) -> tuple[Floats, Floats]:
    """What the photo shows at texels of the box and the light gathered there, both (n, 3)."""
    step = COARSE // SAMPLES
    shown, gathered = [], []
    local = hemisphere(128)[:1]
    for face in (f for f in range(6) if f != BEHIND):
        points = texel_points(light.low, light.high, face, COARSE)[::step, ::step].reshape(-1, 3)
        shown.append(light.levels[1][face, ::step, ::step].reshape(-1, 3))
        normal = np.zeros(3, np.float32)
        normal[face // 2] = 1 if face % 2 == 0 else -1
        origins = np.repeat(points + normal * 0.01, local.shape[1], axis=0)
        directions = np.tile(turned(local, normal[None])[0], (len(points), 1))
        found = light.along(origins, directions).reshape(len(points), -1, 3)
        gathered.append(found.mean(axis=1))
    return np.concatenate(shown), np.concatenate(gathered)
