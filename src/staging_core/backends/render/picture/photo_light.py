"""The photo as the light of its room.

The photo is projected on the six faces of the room's box. What the picture does not show takes
the mean of what it shows at the same height. Clipped highlights shine several times brighter than
the picture can say, so that a window acts as a light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera
from staging_core.backends.render.room import Room

from .tone import luminance, to_light

Floats = NDArray[np.float32]
Box = tuple[Floats, Floats]
FINE, COARSE, SOFT = 192, 48, 12
"""Texels along a face: for reflections, for gathered light, for dull reflections."""
CLIPPED, BOOST = 0.93, 6.0
PHOTO_SIDE = 768
DEPTH, BLUR = 0.35, 1.5
"""The power of contrast given back to the photo; the blur in texels."""
FLOOR, CEILING, BEHIND = 4, 5, 2
# For each face of the box (left, right, behind, far, floor, ceiling) the two axes along it.
AXES = ((1, 2), (1, 2), (0, 2), (0, 2), (0, 1), (0, 1))


@dataclass(frozen=True, slots=True)
class PhotoLight:
    """Light leaving the room's surfaces, in the photo's own linear units.

    ``low``, ``high`` (3,): the box in metres. ``levels``: from fine to soft, each (6, t, t, 3).
    ``exposure`` (3,): what gathered light is multiplied with so that a white surface looks like
    the white things of this photo. ``white`` (3,): what a white wall looks like here.
    """

    low: Floats
    high: Floats
    levels: tuple[Floats, ...]
    exposure: Floats
    white: Floats

    @classmethod
    def of(cls, photo: NDArray[np.uint8], room: Room) -> PhotoLight:
        """Projects ``photo`` (h, w, 3) on the box of ``room``."""
        low, high = box(room)
        small, factor = _small(photo)
        faces = [_face(small, room.camera.scaled(factor), low, high, face) for face in range(6)]
        fine = _fill(np.stack([colour for colour, _ in faces]), np.stack([s for _, s in faces]))
        levels = (fine, _deepened(_shrunk(fine, COARSE)), _shrunk(fine, SOFT))
        return cls(low, high, levels, *np.ones((2, 3), np.float32))

    def along(self, origins: Floats, directions: Floats, level: int = 1) -> Floats:
        """Light (n, 3) reaching origins (n, 3) from directions (n, 3) with nothing in between."""
        face, u, v = self._places(origins, directions)
        texels = self.levels[level]
        size = texels.shape[1]
        column = np.clip((u * size).astype(np.int32), 0, size - 1)
        row = np.clip((v * size).astype(np.int32), 0, size - 1)
        at = (face * size + row) * size + column
        return np.asarray(texels.reshape(-1, 3).take(at, axis=0))

    def mirrored(self, origins: Floats, directions: Floats, level: int) -> Floats:
        """As ``along``, smooth between texels: for what is seen rather than gathered."""
        face, u, v = self._places(origins, directions)
        size = self.levels[level].shape[1]
        texels = self.levels[level].reshape(-1, 3)
        x, y = np.clip(u * size - 0.5, 0, size - 1.001), np.clip(v * size - 0.5, 0, size - 1.001)
        left, top = x.astype(np.int32), y.astype(np.int32)
        corner = (face * size + top) * size + left
        right, down = (x - left)[:, None], (y - top)[:, None]
        upper = texels[corner] * (1 - right) + texels[corner + 1] * right
        lower = texels[corner + size] * (1 - right) + texels[corner + size + 1] * right
        return np.asarray(upper * (1 - down) + lower * down, np.float32)

    def _places(
        self, origins: Floats, directions: Floats
    ) -> tuple[NDArray[np.int32], Floats, Floats]:
        """The face (n,) that rays meet and the place on it, both parts 0..1."""
        face, distance = exits(self.low, self.high, origins, directions)
        place = (origins + directions * distance[:, None] - self.low) / (self.high - self.low)
        u = np.where(face < 2, place[:, 1], place[:, 0])
        v = np.where(face < FLOOR, place[:, 2], place[:, 1])
        return face, u, v


def box(room: Room) -> Box:
    """Lowest and highest corner of the room's box; behind the viewer it goes on a little."""
    behind = -max(0.6, 0.35 * room.far.at_m)
    low = np.array([room.left.at_m, behind, 0.0], np.float32)
    high = np.array([room.right.at_m, room.far.at_m, room.ceiling_m], np.float32)
    high[2] = max(high[2], room.camera.height_m + 0.3)
    return low, high


def exits(
    low: Floats, high: Floats, origins: Floats, directions: Floats
) -> tuple[NDArray[np.int32], Floats]:
    """The face (n,) through which rays leave the box, and the distance (n,) in ray lengths."""
    nearest = np.full(len(origins), np.inf, np.float32)
    face = np.zeros(len(origins), np.int32)
    for axis in range(3):
        d = directions[:, axis]
        d = np.where(np.abs(d) < 1e-6, np.float32(1e-6), d)
        wall = np.where(d > 0, high[axis], low[axis])
        distance = np.maximum((wall - origins[:, axis]) / d, 0)
        face = np.where(distance < nearest, 2 * axis + (d > 0), face)
        nearest = np.minimum(nearest, distance)
    return face.astype(np.int32), nearest


def _small(photo: NDArray[np.uint8]) -> tuple[Floats, float]:
    """The photo in linear light at a bounded size, clipped parts shining, and its scale."""
    import cv2

    height, width = photo.shape[:2]
    factor = min(1.0, PHOTO_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    light = to_light(np.asarray(small, np.uint8))
    return light, factor


def boosted(light: Floats) -> Floats:
    """Light whose darkest channel is above ``CLIPPED`` of white, up to ``BOOST`` times brighter."""
    start = float(to_light(np.array(round(CLIPPED * 255), np.uint8)))
    clipped = np.clip((light.min(axis=-1, keepdims=True) - start) / (1 - start), 0, 1)
    return np.asarray(light * (1 + (BOOST - 1) * clipped**2), np.float32)


def texel_points(low: Floats, high: Floats, face: int, size: int) -> Floats:
    """Room points (size, size, 3) in the middles of a face's texels; rows along its second axis."""
    middles = (np.arange(size, dtype=np.float32) + 0.5) / size
    across, up = AXES[face]
    points = np.empty((size, size, 3), np.float32)
    points[:] = np.where(face % 2 == 1, high, low)
    points[..., across] = (low + (high - low) * middles[:, None])[:, across][None, :]
    points[..., up] = (low + (high - low) * middles[:, None])[:, up][:, None]
    return points


def _face(
    light: Floats, camera: Camera, low: Floats, high: Floats, face: int
) -> tuple[Floats, NDArray[np.bool_]]:
    import cv2

    pixels = camera.project(texel_points(low, high, face, FINE).astype(np.float64))
    height, width = light.shape[:2]
    x, y = pixels[..., 0], pixels[..., 1]
    seen = np.isfinite(x) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    at = np.where(seen[..., None], pixels, 0).astype(np.float32) - 0.5
    colour = cv2.remap(
        light, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(colour, np.float32), seen


def _fill(faces: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Texels that the picture does not show get the mean of those it shows at the same height."""
    overall = faces[seen].mean(axis=0) if seen.any() else np.full(3, 0.5, np.float32)
    filled = boosted(faces)
    # What is clipped on the floor mirrors a window; it is no light of its own.
    filled[FLOOR] = faces[FLOOR]
    by_height = _rows(faces[:4], seen[:4], overall)
    for face in range(4):
        filled[face] = np.where(seen[face][..., None], filled[face], by_height[:, None, :])
    for face in (FLOOR, CEILING):
        some = seen[face]
        mean = faces[face][some].mean(axis=0) if some.any() else overall
        filled[face] = np.where(some[..., None], filled[face], mean)
    return filled


def _rows(walls: Floats, seen: NDArray[np.bool_], overall: Floats) -> Floats:
    """Mean colour (t, 3) of the walls at each height; heights never seen take the nearest seen."""
    count = seen.sum(axis=(0, 2))
    total = np.where(seen[..., None], walls, 0).sum(axis=(0, 2))
    known = np.flatnonzero(count)
    if len(known) == 0:
        return np.broadcast_to(overall, total.shape)
    nearest = known[np.abs(known[None, :] - np.arange(len(count))[:, None]).argmin(axis=1)]
    return np.asarray(total[nearest] / count[nearest, None], np.float32)


def _deepened(faces: Floats) -> Floats:
    """Texels with more contrast: photos of rooms are developed flatter than their light is.

    Small lights are blurred, since few rays would find them.
    """
    import cv2

    bright = np.maximum(luminance(faces), 1e-3)[..., None]
    factor = (bright / np.median(bright)) ** DEPTH
    deep = faces * np.clip(factor, 0.4, 2.5)
    return np.stack([cv2.GaussianBlur(face, (0, 0), BLUR) for face in deep]).astype(np.float32)


def _shrunk(faces: Floats, size: int) -> Floats:
    block = faces.shape[1] // size
    return np.ascontiguousarray(
        faces.reshape(6, size, block, size, block, 3).mean(axis=(2, 4)), np.float32
    )
