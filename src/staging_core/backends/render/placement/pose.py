"""Where things stand on the floor: poses and footprints as rectangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.mesh import Piece, Placed

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pose:
    """A place in the room frame, in metres and degrees counter-clockwise seen from above."""

    x: float
    y: float
    turn: float = 0.0
    z: float = 0.0

    def at(self, right: float, back: float, turn: float = 0.0) -> Pose:
        """The pose ``right`` and ``back`` metres away in this pose's own frame."""
        cos, sin = np.cos(np.radians(self.turn)), np.sin(np.radians(self.turn))
        x = self.x + cos * right - sin * back
        y = self.y + sin * right + cos * back
        return Pose(float(x), float(y), self.turn + turn, self.z)

    def place(self, piece: Piece) -> Placed:
        """The piece standing here."""
        return Placed(piece, self.x, self.y, self.z, self.turn)


def pose_of(placed: Placed) -> Pose:
    """Where a placed piece stands."""
    return Pose(placed.x_m, placed.y_m, placed.turn_deg, placed.z_m)


def rectangle(x0: float, x1: float, y0: float, y1: float) -> Points:
    """Corners (4, 2), counter-clockwise."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def grown(corners: Points, by: float) -> Points:
    """A rectangle (4, 2) made larger by ``by`` metres on every side."""
    along, across = corners[1] - corners[0], corners[3] - corners[0]
    a = by * along / max(float(np.linalg.norm(along)), 1e-9)
    b = by * across / max(float(np.linalg.norm(across)), 1e-9)
    larger: Points = corners + np.stack([-a - b, a - b, a + b, b - a])
    return larger


def overlap(first: Points, second: Points) -> bool:
    """Whether two rectangles (4, 2) share area (separating axes)."""
    if (first.max(axis=0) <= second.min(axis=0)).any():
        return False
    if (second.max(axis=0) <= first.min(axis=0)).any():
        return False
    for corners in (first, second):
        for edge in (corners[1] - corners[0], corners[3] - corners[0]):
            a, b = first @ edge, second @ edge
            if a.max() <= b.min() or b.max() <= a.min():
                return False
    return True
