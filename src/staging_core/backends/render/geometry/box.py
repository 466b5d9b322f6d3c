"""A candidate room: a box around the camera, in camera heights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera

from .floor_map import FloorMap, pixel_grid
from .polygon import BEHIND


@dataclass(frozen=True, slots=True)
class Box:
    """Distances in camera heights, all positive; ``ceiling`` is above the camera.

    ``score`` is comparable only within one photo. ``spread``: relative standard deviations of
    left, right and far.
    """

    left: float
    right: float
    far: float
    ceiling: float
    score: float
    spread: tuple[float, float, float]

    def drawn_in(self, share: float) -> Box:
        """The box with all three walls nearer by a share."""
        keep = 1 - share
        return replace(self, left=self.left * keep, right=self.right * keep, far=self.far * keep)

    def doubted(self, spread: float) -> Box:
        """The box with every wall at least so uncertain."""
        left, right, far = (max(each, spread) for each in self.spread)
        return replace(self, spread=(left, right, far))


def floor_region(unit: Camera, box: Box, floor: FloorMap) -> NDArray[np.bool_]:
    """Map pixels (h, w) on the floor of a box; ``unit`` has height 1."""
    rays = unit.rays(pixel_grid(floor))
    down = np.maximum(-rays[..., 2], 1e-6)
    x, y = rays[..., 0] / down, rays[..., 1] / down
    inside = (x > -box.left) & (x < box.right) & (y < box.far) & (y > BEHIND)
    return np.asarray(floor.below & inside)
