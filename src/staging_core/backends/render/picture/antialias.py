"""Where the picture needs several samples a pixel, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lens import Lens
from .scene import Scene
from .vectors import dot
from .visibility import NOTHING, Visibility

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Faces = NDArray[np.int32]
Longs = NDArray[np.int64]
ROWS_AT_ONCE = 256
DEPTH_STEP, CREASE = 0.03, 0.8
# Four places of a turned grid in the pixel, and the four between them for softer photos.
GRID = ((-0.125, -0.375), (0.375, -0.125), (0.125, 0.375), (-0.375, 0.125))
BETWEEN = ((0.0, 0.0), (-0.375, -0.3125), (0.3125, 0.375), (-0.0625, 0.4375))


@dataclass(frozen=True, slots=True)
class Softness:
    """How sharp the photo is: ``width_px`` of its edges, 1 for the sharpest."""

    width_px: float

    def offsets(self) -> tuple[tuple[float, float], ...]:
        """Places of the samples about a pixel's middle."""
        places = GRID if self.width_px < 2 else GRID + BETWEEN
        return tuple((x * self.width_px, y * self.width_px) for x, y in places)

    @property
    def margin_px(self) -> int:
        """How far beyond the two pixels at an edge several samples are needed."""
        return round(self.width_px / 2 - 0.3)


@dataclass(frozen=True, slots=True)
class Samples:
    """Several looks at the same pixels: ``pixels`` (n,) flat numbers, ascending; for each of the
    ``offsets`` from a pixel's middle the ``faces`` (k, n) seen there."""

    pixels: Longs
    offsets: tuple[tuple[float, float], ...]
    faces: Faces

    @classmethod
    def of(
        cls,
        visibility: Visibility,
        lens: Lens,
        pixels: Longs,
        offsets: tuple[tuple[float, float], ...],
    ) -> Samples:
        """Looks at ``pixels`` once for each of ``offsets``."""
        faces = [visibility.seen(lens, pixels, offset) for offset in offsets]
        return cls(pixels, offsets, np.stack(faces))

    def seen(self, pixels: Longs) -> Faces:
        """The faces (k, n) in ``pixels``, all of which must be among these."""
        return self.faces[:, np.searchsorted(self.pixels, pixels)]

    def some(self) -> Longs:
        """The pixels in which anything is seen at all."""
        return np.asarray(self.pixels[(self.faces != NOTHING).any(axis=0)])


def edges(scene: Scene, lens: Lens, face_of: Faces, margin_px: int) -> Bools:
    """Pixels (h, w) within ``margin_px`` of a border between parts, a step in depth or a crease."""
    import cv2

    height = len(face_of)
    found = np.zeros(face_of.shape, np.uint8)
    normals = scene.face_normals()
    for top in range(0, height, ROWS_AT_ONCE):
        rows = slice(max(0, top - 1), min(height, top + ROWS_AT_ONCE + 1))
        if (face_of[rows] != NOTHING).any():
            found[rows] |= _band(scene, lens, normals, face_of[rows], rows.start)
    if margin_px == 0:
        return found > 0
    size = 2 * margin_px + 1
    return np.asarray(cv2.dilate(found, np.ones((size, size), np.uint8)) > 0)


def _band(scene: Scene, lens: Lens, normals: Floats, faces: Faces, top: int) -> NDArray[np.uint8]:
    """Pixels that differ from their right or lower neighbour."""
    y, x = np.nonzero(faces != NOTHING)
    hit = faces[y, x]
    part = np.full(faces.shape, NOTHING, np.int32)
    part[y, x] = scene.part[hit]
    nearness = np.zeros(faces.shape, np.float32)
    row_sums = lens.weights.sum(axis=1)[hit]
    nearness[y, x] = row_sums[:, 0] * (x + 0.5) + row_sums[:, 1] * (y + top + 0.5) + row_sums[:, 2]
    facing = np.zeros((*faces.shape, 3), np.float32)
    facing[y, x] = normals[hit]
    found = np.zeros(faces.shape, np.uint8)
    for one, other in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
    ):
        far = np.abs(nearness[one] - nearness[other]) > DEPTH_STEP * nearness[one]
        crease = np.abs(dot(facing[one], facing[other])) < CREASE
        inside = part[one] != NOTHING
        differ = (part[one] != part[other]) | (inside & (far | crease))
        found[one] |= differ
        found[other] |= differ
    return found
