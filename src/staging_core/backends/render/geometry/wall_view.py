"""A wall seen straight on: the picture drawn back onto one side of the box."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Floats
from staging_core.backends.render.room import Side

from .box import Box
from .sight import Sight

CELL = 0.02
"""Camera heights for one pixel of the view, about three centimetres."""
LONGEST = 12.0


@dataclass(frozen=True, slots=True)
class WallView:
    """``lab``: (rows, columns, 3), row 0 on the floor; ``valid``: (rows, columns) in the picture.

    ``start``: where column 0 lies along the wall, in camera heights.
    """

    side: Side
    lab: NDArray[np.float32]
    valid: NDArray[np.bool_]
    start: float


def view_wall(sight: Sight, box: Box, side: Side) -> WallView:
    """Draw one wall of a box straight on, up to its ceiling."""
    first, last = (-box.left, box.right) if side == "far" else (0.05, min(box.far, LONGEST))
    along = np.arange(first + CELL / 2, last, CELL)
    up = np.arange(CELL / 2, 1 + box.ceiling, CELL)
    a, z = np.meshgrid(along, up)
    pixels = sight.unit.project(on_wall(box, side, a, z))
    height, width = sight.lab.shape[:2]
    with np.errstate(invalid="ignore"):
        valid = (pixels >= 0).all(-1) & (pixels[..., 0] < width) & (pixels[..., 1] < height)
    maps = np.where(valid[..., None], pixels - 0.5, 0).astype(np.float32)
    lab = cv2.remap(
        sight.lab, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return WallView(side, np.asarray(lab, np.float32), valid, first)


def on_wall(box: Box, side: Side, along: Floats, up: Floats) -> Floats:
    """Room points (..., 3) of places on a wall, in camera heights."""
    if side == "far":
        return np.stack([along, np.full_like(along, box.far), up], axis=-1)
    at = -box.left if side == "left" else box.right
    return np.stack([np.full_like(along, at), along, up], axis=-1)
