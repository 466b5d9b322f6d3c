"""The furniture as small cubes, for following light without Embree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .scene import Scene
from .visibility import NOTHING, Faces, Floats

CELLS_AT_MOST = 3_000_000
FINEST_M = 0.025
STEPS = 48


class Voxels:
    """A distance field over cubes that surfaces pass through (sphere tracing, Hart 1996)."""

    def __init__(self, scene: Scene) -> None:
        from scipy.ndimage import distance_transform_edt

        points, faces = _sprinkled(scene)
        self.low = points.min(axis=0) - 0.1
        extent = points.max(axis=0) + 0.1 - self.low
        self.cell_m = max(FINEST_M, float((np.prod(extent) / CELLS_AT_MOST) ** (1 / 3)))
        self.shape = np.ceil(extent / self.cell_m).astype(np.int64)
        self.face = np.full(int(np.prod(self.shape)), NOTHING, np.int32)
        self.face[self._flat(points)] = faces
        empty = (self.face == NOTHING).reshape(*self.shape)
        self.distance = (distance_transform_edt(empty) * self.cell_m).astype(np.float32).ravel()

    def hit(self, origins: Floats, directions: Floats) -> Faces:
        """As ``Visibility.hit``; a ray first leaves the cubes of the surface it starts on."""
        found = np.full(len(origins), NOTHING, np.int32)
        entry, exit_ = self._crossing(origins, directions)
        travelled = np.maximum(entry, 1.8 * self.cell_m)
        alive = np.flatnonzero(travelled < exit_)
        for _ in range(STEPS):
            if len(alive) == 0:
                break
            at = origins[alive] + directions[alive] * travelled[alive, None]
            flat = self._flat(at)
            free = self.distance[flat]
            stopped = free == 0
            found[alive[stopped]] = self.face[flat[stopped]]
            # Distances are between the middles of cubes: one cube may be missing at either end.
            travelled[alive] += np.maximum(free - self.cell_m, 0.7 * self.cell_m)
            alive = alive[~stopped & (travelled[alive] < exit_[alive])]
        return found

    def _crossing(self, origins: Floats, directions: Floats) -> tuple[Floats, Floats]:
        steep = np.where(np.abs(directions) < 1e-9, np.float32(1e-9), directions)
        high = self.low + self.shape.astype(np.float32) * self.cell_m
        one, two = (self.low - origins) / steep, (high - origins) / steep
        entry = np.maximum(np.minimum(one, two).max(axis=1), 0.0)
        return entry, np.maximum(one, two).min(axis=1)

    def _flat(self, points: Floats) -> NDArray[np.int64]:
        cell = ((points - self.low) / self.cell_m).astype(np.int64)
        x, y, z = np.clip(cell, 0, self.shape - 1).T
        return np.asarray((x * self.shape[1] + y) * self.shape[2] + z)


def _sprinkled(scene: Scene) -> tuple[Floats, Faces]:
    """Points on every face, at most about a cube apart, with the face each lies on."""
    corners = scene.corners()
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    cuts = np.clip(np.ceil(longest / (0.8 * FINEST_M)), 1, 160).astype(np.int64)
    points, faces = [], []
    for count in np.unique(cuts):
        chosen = np.flatnonzero(cuts == count).astype(np.int32)
        weights = _lattice(int(count))
        points.append(np.einsum("kc,mcd->mkd", weights, corners[chosen]).reshape(-1, 3))
        faces.append(np.repeat(chosen, len(weights)))
    return np.concatenate(points).astype(np.float32), np.concatenate(faces)


def _lattice(count: int) -> Floats:
    """Barycentric coordinates (k, 3) of a triangle cut ``count`` times along each side."""
    i, j = np.mgrid[0 : count + 1, 0 : count + 1]
    inside = i + j <= count
    a, b = i[inside] / count, j[inside] / count
    return np.stack([a, b, 1 - a - b], axis=1).astype(np.float32)
