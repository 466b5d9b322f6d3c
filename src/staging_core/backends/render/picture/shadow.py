"""The shadows that furniture casts on the floor and walls of the photo.

A shadow is the light gathered at a place with furniture over the light gathered without, on the
same rays: what the rays get wrong cancels. A threshold is subtracted (not cut), so that a
shadow fades to nothing without a step and covers a bounded part of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera

from .gather import Gatherer, cells
from .photo_light import BEHIND, CEILING, PhotoLight, exits
from .scene import Scene
from .tone import luminance
from .visibility import NOTHING

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
POINTS, RAYS = 45_000, 32
FAINTEST = 0.025
"""Shadows fainter than this share of the light are not drawn."""
REACH_M = (0.7, 1.5)
"""A shadow is whole up to the first distance from its piece and gone at the second."""
HIDDEN_CELLS = 3
NARROW, WIDE = 2, 7
"""Radius of the means in cells, for deep and for faint shadows."""


@dataclass(frozen=True, slots=True)
class Shadows:
    """Light lost at every ``step``-th pixel.

    ``lost`` (rows, columns, 3) 0..1, threshold subtracted; ``surface`` (rows, columns): the box's
    face each place lies on, -1 where nothing was gathered.
    """

    step: int
    lost: Floats
    surface: NDArray[np.int32]
    camera: Camera
    low: Floats
    high: Floats

    def pixels(self) -> Bools:
        """Pixels (h, w) that a shadow may touch."""
        import cv2

        some = (self.lost.max(axis=2) > 0).astype(np.uint8)
        some = cv2.dilate(some, np.ones((3, 3), np.uint8))
        height, width = self.camera.height, self.camera.width
        rows = np.minimum(np.arange(height) // self.step, some.shape[0] - 1)
        columns = np.minimum(np.arange(width) // self.step, some.shape[1] - 1)
        return np.asarray(some[rows][:, columns] > 0)

    def at(self, middles: NDArray[np.float64]) -> Floats:
        """Light lost (n, 3) at picture coordinates (n, 2), spread along the surface seen there."""
        here, _ = _seen(self.camera, middles, self.low, self.high)
        rows, columns = self.surface.shape
        place = (middles / self.step - 0.5).astype(np.float32)
        corner = np.floor(place).astype(np.int32)
        inner = place - corner
        total = np.full(len(middles), 1e-6, np.float32)
        lost = np.zeros((len(middles), 3), np.float32)
        for down in (0, 1):
            for right in (0, 1):
                x = np.clip(corner[:, 0] + right, 0, columns - 1)
                y = np.clip(corner[:, 1] + down, 0, rows - 1)
                weight = np.abs(1 - right - inner[:, 0]) * np.abs(1 - down - inner[:, 1])
                weight = weight * (self.surface[y, x] == here)
                lost += self.lost[y, x] * weight[:, None]
                total += weight
        return lost / total[:, None]


def cast(
    scene: Scene,
    camera: Camera,
    face_of: NDArray[np.int32],
    gatherer: Gatherer,
    area: float,
) -> Shadows:
    """The shadows around the furniture that ``face_of`` (h, w) shows.

    They cover at most ``area`` of the picture, a share 0..1.
    """
    light, exact = gatherer.light, gatherer.visibility.exact
    step = _step(face_of.size, POINTS if exact else POINTS // 4)
    near = _Near.of(scene)
    shown, points, distance = _receivers(camera, face_of, light, step, near)
    rows, columns = np.nonzero(shown >= 0)
    normals = _inward(shown[rows, columns])
    found = gatherer.at(
        points[rows, columns],
        normals,
        cells(columns.astype(np.int32), rows.astype(np.int32)),
        RAYS if exact else RAYS // 2,
    )
    lost = np.zeros((*shown.shape, 3), np.float32)
    share = 1 - found.light / np.maximum(found.open, 1e-4)
    lost[rows, columns] = share * _fade(distance[rows, columns])[:, None]
    lost = _smoothed(lost, shown)
    hidden = face_of[step // 2 :: step, step // 2 :: step] != NOTHING
    return Shadows(step, _limited(lost, hidden, area), shown, camera, light.low, light.high)


def _step(pixels: int, points: int) -> int:
    return max(2, int(np.ceil(np.sqrt(0.3 * pixels / points))))


@dataclass(frozen=True, slots=True)
class _Near:
    """Boxes around the pieces, to know how far a place is from the nearest."""

    low: Floats
    high: Floats

    @classmethod
    def of(cls, scene: Scene) -> _Near:
        corners = scene.corners()
        pieces = [corners[scene.piece == i].reshape(-1, 3) for i in np.unique(scene.piece)]
        return cls(
            np.stack([p.min(axis=0) for p in pieces]), np.stack([p.max(axis=0) for p in pieces])
        )

    def distance(self, points: Floats) -> Floats:
        """Metres (...,) from points (..., 3) to the nearest piece's box."""
        nearest = np.full(points.shape[:-1], np.inf, np.float32)
        for low, high in zip(self.low, self.high, strict=True):
            outside = np.maximum(np.maximum(low - points, points - high), 0)
            nearest = np.minimum(nearest, np.sqrt((outside * outside).sum(axis=-1)))
        return nearest


def _receivers(
    camera: Camera, face_of: NDArray[np.int32], light: PhotoLight, step: int, near: _Near
) -> tuple[NDArray[np.int32], Floats, Floats]:
    """For every ``step``-th pixel: the box's face (-1: none wanted), point, metres to a piece."""
    import cv2

    x, y = np.arange(step // 2, camera.width, step), np.arange(step // 2, camera.height, step)
    middles = np.stack(np.meshgrid(x, y), axis=2).astype(np.float64) + 0.5
    shape = middles.shape[:2]
    face, points = _seen(camera, middles.reshape(-1, 2), light.low, light.high)
    distance = near.distance(points)
    covered = (face_of[step // 2 :: step, step // 2 :: step] != NOTHING).astype(np.uint8)
    size = 2 * HIDDEN_CELLS + 1
    deep = cv2.erode(covered, np.ones((size, size), np.uint8)) > 0
    idle = (face == CEILING) | (face == BEHIND) | (distance > REACH_M[1]) | deep.ravel()
    shown = np.where(idle, -1, face).astype(np.int32)
    return shown.reshape(shape), points.reshape(*shape, 3), distance.reshape(shape)


def _seen(
    camera: Camera, middles: NDArray[np.float64], low: Floats, high: Floats
) -> tuple[NDArray[np.int32], Floats]:
    """The box's face (n,) and point (n, 3) that picture coordinates (n, 2) show."""
    rays = camera.rays(middles).astype(np.float32)
    foot = np.array([0, 0, camera.height_m], np.float32)
    origins = np.broadcast_to(foot, rays.shape)
    face, distance = exits(low, high, origins, rays)
    return face, foot + rays * distance[:, None]


def _inward(face: NDArray[np.int32]) -> Floats:
    normals = np.zeros((len(face), 3), np.float32)
    normals[np.arange(len(face)), face // 2] = np.where(face % 2 == 0, 1, -1)
    return normals


def _fade(distance: Floats) -> Floats:
    whole, gone = REACH_M
    share = np.clip((gone - distance) / (gone - whole), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _smoothed(lost: Floats, shown: NDArray[np.int32]) -> Floats:
    """Means of neighbours, each face of the box for itself; wider where shadows are faint."""
    result = np.zeros_like(lost)
    for face in np.unique(shown[shown >= 0]):
        here = (shown == face).astype(np.float32)
        narrow, wide = (_mean(lost, here, radius) for radius in (NARROW, WIDE))
        depth = np.clip(luminance(narrow)[..., None] / 0.35, 0, 1)
        result += here[..., None] * (wide + (narrow - wide) * depth)
    return result


def _mean(lost: Floats, here: Floats, radius: int) -> Floats:
    import cv2

    kernel = np.hanning(2 * radius + 3)[1:-1].astype(np.float32)
    total = cv2.sepFilter2D(lost * here[..., None], -1, kernel, kernel)
    count = cv2.sepFilter2D(here, -1, kernel, kernel)
    return np.asarray(total / np.maximum(count, 1e-6)[..., None], np.float32)


def _limited(lost: Floats, hidden: Bools, area: float) -> Floats:
    """``lost`` less a threshold so high that what stays covers at most ``area`` of the picture."""
    depth = np.sort(np.where(hidden, 0, lost.max(axis=2)), axis=None)
    allowed = int(area * depth.size)
    threshold = max(FAINTEST, float(depth[-allowed - 1])) if allowed < depth.size else FAINTEST
    return np.asarray(np.clip((lost - threshold) / (1 - threshold), 0, 0.97), np.float32)
