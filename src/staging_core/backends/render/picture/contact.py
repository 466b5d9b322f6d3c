"""Where furniture touches the floor and walls, or nearly does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .photo_light import AXES, BEHIND, CEILING, PhotoLight
from .scene import Scene

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
CELL_M = 0.01
TOUCH_M = 0.1
"""Triangles within this distance of a surface count as touching it."""


@dataclass(frozen=True, slots=True)
class ContactMap:
    """Metres from places of one face of the box to the nearest edge of what touches it.

    ``low`` (2,): the map's corner along the face's two axes; ``distance`` (rows, columns).
    """

    low: Floats
    distance: Floats

    def at(self, places: Floats) -> Floats:
        """Metres (n,) at places (n, 2) along the face's axes; infinite off the map."""
        cell = np.floor((places - self.low) / CELL_M).astype(np.int32)
        rows, columns = self.distance.shape
        x, y = cell.T
        inside = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
        found = np.full(len(places), np.inf, np.float32)
        found[inside] = self.distance[y[inside], x[inside]]
        return found


@dataclass(frozen=True, slots=True)
class Contacts:
    """The contact maps of the floor and of the walls that anything touches."""

    maps: dict[int, ContactMap]

    @classmethod
    def of(cls, scene: Scene, light: PhotoLight, margin_m: float) -> Contacts:
        """Maps that reach ``margin_m`` beyond what touches a face of the box of ``light``."""
        corners = scene.corners()
        found = {}
        for face in (f for f in range(6) if f not in (CEILING, BEHIND)):
            plane = light.high if face % 2 else light.low
            near = np.abs(corners[:, :, face // 2] - plane[face // 2]).min(axis=1) < TOUCH_M
            if near.any():
                found[face] = _map(corners[near][:, :, AXES[face]], margin_m)
        return cls(found)

    def distance(self, face: Ints, points: Floats) -> Floats:
        """Metres (n,) from points (n, 3) on the box's faces (n,) to what touches these."""
        found = np.full(len(points), np.inf, np.float32)
        for number, one in self.maps.items():
            here = face == number
            found[here] = one.at(points[here][:, AXES[number]])
        return found


def _map(triangles: Floats, margin_m: float) -> ContactMap:
    """The map of ``triangles`` (m, 3, 2), of which the edges are drawn."""
    import cv2

    low = triangles.min(axis=(0, 1)) - margin_m
    columns, rows = np.ceil((triangles.max(axis=(0, 1)) + margin_m - low) / CELL_M).astype(int) + 1
    away = np.ones((rows, columns), np.uint8)
    cells = np.floor((triangles - low) / CELL_M).astype(np.int32)
    cv2.polylines(away, list(cells), True, (0,))
    distance = cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_5)
    return ContactMap(low, np.asarray(distance * CELL_M, np.float32))
