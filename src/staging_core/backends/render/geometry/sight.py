"""All that is measured on the working picture once its camera is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera

from .floor_map import FloorMap
from .segments import Segments

ACROSS, ALONG, UP = 0, 1, 2
"""Room axes: x runs along the far wall, y along the side walls, z up."""


@dataclass(frozen=True, slots=True)
class Sight:
    """``unit``: the camera at height 1, so that lengths are in camera heights; ``lab``: the working
    picture (h, w, 3) in Lab 0..255; ``axis``: (n,) room axis of each segment, -1 for none.
    """

    unit: Camera
    lab: NDArray[np.float32]
    segments: Segments
    axis: NDArray[np.int8]
    floor: FloorMap

    def following(self, axis: int) -> Segments:
        """The segments that run along a room axis."""
        return self.segments.only(np.flatnonzero(self.axis == axis))

    def with_floor(self, floor: FloorMap) -> Sight:
        return replace(self, floor=floor)
