"""The floor that furniture may stand on, as a grid over the room.

A cell is free when it lies inside every wall by 2.5 standard deviations of that wall and, where
the picture shows it, on bare floor. What the picture does not show is floor inside the walls.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.room import Room, Wall

from .pose import Points

CELL_M = 0.05
SIGMAS = 2.5
CLEARANCE_M = 0.03
NEAREST_M = 0.4
_HOLE_M2 = 0.6


def wall_gap(wall: Wall) -> float:
    """How far from the estimated wall a footprint must stay, in metres."""
    return SIGMAS * wall.spread_m + CLEARANCE_M


@dataclass(frozen=True, slots=True)
class Floor:
    """The usable rectangle ``x0..x1``, ``y0..y1`` in cells (rows along y, columns along x).

    ``free``: may be stood on; ``shown``: lies in the picture.
    """

    free: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def area_m2(self) -> float:
        """Free floor that the picture shows."""
        return float((self.free & self.shown).sum()) * CELL_M**2

    def centre(self) -> tuple[float, float]:
        """The middle of the free floor that the picture shows."""
        rows, columns = np.nonzero(self.free & self.shown)
        if len(rows) == 0:
            return self.x0, self.y0
        return (
            self.x0 + (float(columns.mean()) + 0.5) * CELL_M,
            self.y0 + (float(rows.mean()) + 0.5) * CELL_M,
        )

    def holds(self, corners: Points) -> bool:
        """Whether a rectangle (4, 2) lies on free cells only."""
        (low_x, low_y), (high_x, high_y) = corners.min(axis=0), corners.max(axis=0)
        if low_x < self.x0 or low_y < self.y0 or high_x > self.x1 or high_y > self.y1:
            return False
        left, right = int((low_x - self.x0) / CELL_M), int(np.ceil((high_x - self.x0) / CELL_M))
        near, far = int((low_y - self.y0) / CELL_M), int(np.ceil((high_y - self.y0) / CELL_M))
        block = self.free[near:far, left:right]
        return (
            bool(block.all()) or not (~block & self._inside(corners, near, far, left, right)).any()
        )

    def _inside(
        self, corners: Points, near: int, far: int, left: int, right: int
    ) -> NDArray[np.bool_]:
        x = self.x0 + (np.arange(left, right) + 0.5) * CELL_M - corners[0, 0]
        y = self.y0 + (np.arange(near, far) + 0.5) * CELL_M - corners[0, 1]
        inside = np.ones((far - near, right - left), bool)
        half = CELL_M * 0.7
        for edge in (corners[1] - corners[0], corners[3] - corners[0]):
            length = float(np.linalg.norm(edge))
            along = (x[None, :] * edge[0] + y[:, None] * edge[1]) / max(length, 1e-9)
            inside &= (along > -half) & (along < length + half)
        return inside


def usable_floor(room: Room) -> Floor:
    """The free floor of an understood room."""
    left = room.left.at_m + wall_gap(room.left)
    right = room.right.at_m - wall_gap(room.right)
    far = room.far.at_m - wall_gap(room.far)
    columns = max(int(np.ceil((right - left) / CELL_M)), 1)
    rows = max(int(np.ceil((far - NEAREST_M) / CELL_M)), 1)
    x = left + (np.arange(columns) + 0.5) * CELL_M
    y = NEAREST_M + (np.arange(rows) + 0.5) * CELL_M
    grid = np.stack([*np.meshgrid(x, y), np.zeros((rows, columns))], axis=-1)
    pixels = room.camera.project(grid)
    bare, shown = _bare(room, pixels)
    return Floor(~shown | bare, shown, left, NEAREST_M, right, far)


def _bare(room: Room, pixels: Points) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which cells the picture shows as bare floor, and which it shows at all."""
    high, wide = room.floor.shape
    scale = np.array([wide / room.camera.width, high / room.camera.height])
    with np.errstate(invalid="ignore"):
        at = pixels * scale
        shown = ((at >= 0) & (at < [wide, high])).all(axis=-1)
    index = np.where(shown[..., None], at, 0).astype(int)
    bare = _mended(room.floor)[index[..., 1], index[..., 0]]
    return _without_specks(bare | ~shown) & shown, shown


def _mended(floor: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The floor's mask with pinholes closed and its border drawn in by half a percent."""
    size = max(3, round(floor.shape[1] / 100) | 1)
    kernel = np.ones((size, size), np.uint8)
    padded = cv2.copyMakeBorder(
        floor.astype(np.uint8), size, size, size, size, cv2.BORDER_REPLICATE
    )
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)
    drawn = cv2.erode(closed, np.ones((3, 3), np.uint8), iterations=max(1, floor.shape[1] // 400))
    return np.asarray(drawn[size:-size, size:-size] > 0)


def _without_specks(bare: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Holes smaller than 0.6 m2 inside the floor are glare, not things."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (~bare).astype(np.uint8), connectivity=8
    )
    mended = bare.copy()
    rows, columns = bare.shape
    for i in range(1, count):
        x, y, w, h, cells = stats[i]
        at_edge = x == 0 or y == 0 or x + w == columns or y + h == rows
        if cells * CELL_M**2 < _HOLE_M2 and not at_edge:
            mended[labels == i] = True
    return mended
