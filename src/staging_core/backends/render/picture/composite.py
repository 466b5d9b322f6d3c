"""Furniture and shadows laid over the photo, pixel by pixel where something changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .antialias import Samples
from .gather import in_batches
from .glass import Glass
from .grain import Grain
from .lens import Lens, centres
from .shade import Shader
from .shadow import Shadows
from .surface import surface_at
from .tone import to_light, to_srgb
from .visibility import NOTHING

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]
PIXELS_AT_ONCE = 1 << 16
BATCHES_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Painter:
    """All that is known about the furnished photo but its pixels.

    ``face_of`` (h, w): what the middle of each pixel shows; ``edge``: more samples of the pixels
    where that is not enough.
    """

    photo: NDArray[np.uint8]
    lens: Lens
    face_of: NDArray[np.int32]
    edge: Samples
    shader: Shader
    shadows: Shadows | None
    glass: Glass | None
    grain: Grain

    def paint(self, progress: Callable[[float], None]) -> NDArray[np.uint8]:
        """A copy of the photo in which only touched pixels are written. ``progress`` gets 0..1."""
        picture = self.photo.copy()
        flat = picture.reshape(-1, 3)
        touched = self._touched()
        step = PIXELS_AT_ONCE * BATCHES_AT_ONCE
        for start in range(0, len(touched), step):
            progress(start / len(touched))
            some = touched[start : start + step]
            flat[some] = np.concatenate(in_batches(len(some), PIXELS_AT_ONCE, self._painter(some)))
        return picture

    def _touched(self) -> Longs:
        """Flat numbers of the pixels with furniture, an edge of it, glass or a shadow."""
        touched = self.face_of.ravel() != NOTHING
        touched[self.edge.some()] = True
        if self.glass is not None:
            touched[self.glass.samples.some()] = True
        if self.shadows is not None:
            touched |= self.shadows.pixels().ravel()
        return np.flatnonzero(touched)

    def _painter(self, pixels: Longs) -> Callable[[slice], NDArray[np.uint8]]:
        def paint(part: slice) -> NDArray[np.uint8]:
            return self._pixels(pixels[part])

        return paint

    def _pixels(self, pixels: Longs) -> NDArray[np.uint8]:
        """The bytes (n, 3) of ``pixels``."""
        rows, columns = np.divmod(pixels, self.lens.camera.width)
        original = self.photo[rows, columns]
        layer, cover = self._layer(pixels)
        bare = np.flatnonzero(cover < 1)
        room = np.zeros_like(layer)
        kept = self._kept(pixels[bare], original[bare])
        room[bare] = to_light(original[bare]) * kept
        light = self._through_glass(layer + room * (1 - cover)[:, None], pixels)
        noise = self.grain.at(columns, rows)
        own = np.maximum(self.grain.strength, 0.5) * cover[:, None]
        # Shadows keep the photo's noise; half a step of dither hides the rounding.
        shaded = np.zeros_like(own)
        shaded[bare] = 0.3 * (kept.min(axis=1, keepdims=True) < 1)
        value = to_srgb(light) + noise * np.maximum(own, shaded)
        painted = np.clip(np.rint(value), 0, 255).astype(np.uint8)
        same = (cover == 0) & (shaded[:, 0] == 0) & ~self._glazed(pixels)
        painted[same] = original[same]
        return np.asarray(painted)

    def _layer(self, pixels: Longs) -> tuple[Floats, Floats]:
        """Furniture in ``pixels``: its light (n, 3) times the share (n,) of the pixel it covers."""
        layer, cover = np.zeros((len(pixels), 3), np.float32), np.zeros(len(pixels), np.float32)
        several = among(self.edge.pixels, pixels)
        for which, faces, offsets in (
            (np.flatnonzero(~several), self.face_of.ravel()[pixels[~several]][None], ((0.0, 0.0),)),
            (np.flatnonzero(several), self.edge.seen(pixels[several]), self.edge.offsets),
        ):
            for face, offset in zip(faces, offsets, strict=True):
                met = face != NOTHING
                here = which[met]
                if len(here) == 0:
                    continue
                middles = centres(pixels[here], self.lens.camera.width, offset)
                surface = surface_at(self.shader.scene, self.lens, face[met], middles)
                layer[here] += self.shader.colours(surface) / len(offsets)
                cover[here] += 1 / len(offsets)
        return layer, cover

    def _kept(self, pixels: Longs, original: NDArray[np.uint8]) -> Floats:
        """The share of light (n, 3) that the room keeps under the furniture's shadows."""
        if self.shadows is None or len(pixels) == 0:
            return np.ones((len(pixels), 3), np.float32)
        lost = self.shadows.at(centres(pixels, self.lens.camera.width, (0.0, 0.0)))
        # Lamps and windows give light of their own: no shadow falls on them.
        lit = np.clip((to_light(original).min(axis=1, keepdims=True) - 0.8) / 0.19, 0, 1)
        return np.asarray(1 - lost * (1 - lit), np.float32)

    def _glazed(self, pixels: Longs) -> NDArray[np.bool_]:
        if self.glass is None:
            return np.zeros(len(pixels), np.bool_)
        return among(self.glass.samples.some(), pixels)

    def _through_glass(self, light: Floats, pixels: Longs) -> Floats:
        glazed = np.flatnonzero(self._glazed(pixels))
        if self.glass is None or len(glazed) == 0:
            return light
        face = self.face_of.ravel()[pixels[glazed]]
        behind = np.flatnonzero(face != NOTHING)
        middles = centres(pixels[glazed[behind]], self.lens.camera.width, (0.0, 0.0))
        nearness = np.zeros(len(glazed), np.float32)
        nearness[behind] = 1 / self.lens.barycentric(face[behind], middles)[1]
        light[glazed] = self.glass.over(light[glazed], pixels[glazed], nearness)
        return light


def among(known: Longs, pixels: Longs) -> NDArray[np.bool_]:
    """Which of ``pixels`` (n,) are in ``known``, both ascending."""
    if len(known) == 0:
        return np.zeros(len(pixels), np.bool_)
    at = np.minimum(np.searchsorted(known, pixels), len(known) - 1)
    return np.asarray(known[at] == pixels)
