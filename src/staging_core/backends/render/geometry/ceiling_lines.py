"""Lines above the horizon that may be where walls meet the ceiling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from staging_core.backends.render.camera import Floats

from .box import Box
from .colour_step import step_cover
from .segments import WORK_PX
from .sight import ACROSS, ALONG, Sight
from .wall_foot import AXIS, coverage, feet

HEIGHTS = np.geomspace(0.32, 3.3, 70)
"""Ceiling over camera, in camera heights."""
USUAL = 0.85


@dataclass(frozen=True, slots=True)
class CeilingLines:
    """Length of lines, in long sides, by log distance in ceiling heights over the camera."""

    grid: Floats
    left: Floats
    right: Floats
    far: Floats

    def support(
        self, left: Floats, right: Floats, far: Floats, height: float
    ) -> tuple[Floats, Floats, Floats]:
        """What candidates for each wall (in camera heights) get under a ceiling."""
        return (
            np.interp(np.log(left / height), self.grid, self.left),
            np.interp(np.log(right / height), self.grid, self.right),
            np.interp(np.log(far / height), self.grid, self.far),
        )


def ceiling_lines(sight: Sight) -> CeilingLines:
    grid = np.arange(np.log(0.08), np.log(40.0), 0.01)
    segments = sight.segments
    rays = sight.unit.rays(segments.middle)
    high = rays[:, 2] > 0.03
    up = np.where(high, rays[:, 2], 1.0)
    profiles = []
    for axis, side in ((ALONG, -1.0), (ALONG, 1.0), (ACROSS, 1.0)):
        chosen = high & (sight.axis == axis) & (rays[:, 1 - axis] * side > 1e-6)
        at = np.log(rays[chosen, 1 - axis] * side / up[chosen])
        apart = np.exp(-0.5 * ((grid[:, None] - at[None, :]) / 0.02) ** 2)
        profiles.append(np.minimum(apart @ (segments.length[chosen] / WORK_PX), 0.6))
    return CeilingLines(grid, *profiles)


def ceiling_over(sight: Sight, box: Box) -> tuple[float, float]:
    """Height of the ceiling over the camera, and the share of its visible lines with an edge on it.

    With the walls known, a ceiling has one line on each of them: windows and doors make such lines
    on parts only. Without any in view the usual height and 0 come back.
    """
    fine = np.geomspace(HEIGHTS[0], HEIGHTS[-1], 160)
    covers = np.array([_cover(sight, box, float(height)) for height in fine])
    score = covers - 0.1 * np.log(fine / USUAL) ** 2
    best = int(np.argmax(score))
    return (float(fine[best]), float(covers[best])) if covers[best] > 0.3 else (USUAL, 0.0)


def _cover(sight: Sight, box: Box, height: float) -> float:
    lines = feet(sight.unit, box, 1 + height)
    lengths = np.array([np.linalg.norm(line[1] - line[0]) for line in lines.values()])
    if lengths.sum() < 0.15 * WORK_PX:
        return 0.0
    covers = [
        max(coverage(line, sight.following(AXIS[side]), 3.0), step_cover(sight.lab, line))
        for side, line in lines.items()
    ]
    return float(np.dot(covers, lengths) / lengths.sum())
