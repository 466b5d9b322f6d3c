"""Skirting boards: when the box stands on their upper edge, it is drawn in to their foot.

A skirting of height ``b`` camera heights makes the same line, on every wall, as a wall nearer by
the factor ``1 - b``. A pattern of the floor does so on one wall at most, and looks like floor on
both sides of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Floats

from .box import Box, floor_region
from .colour_step import step_cover
from .floor_map import CLASSES
from .sight import Sight
from .wall_foot import AXIS, coverage, feet

HEIGHTS = np.arange(0.012, 0.172, 0.004)


def stand_on_floor(sight: Sight, box: Box) -> Box:
    """The box, or the smaller one at the foot of its skirting."""
    here = foot_cover(sight, box)
    best, most, apart = box, 0.0, False
    for height in HEIGHTS:
        smaller = box.drawn_in(float(height))
        cover = foot_cover(sight, smaller)
        # Edges of the box itself are near enough to count at first.
        apart = apart or cover < 0.5 * here
        if not apart or cover <= max(0.35, 0.45 * here, most):
            continue
        if _stepped(sight, smaller) > 0.6 or _strip_differs(sight, box, smaller):
            best, most = smaller, cover
    return best


def foot_cover(sight: Sight, box: Box) -> float:
    """Share of the length of all visible wall feet that has an edge or a step of colour on it."""
    lines = feet(sight.unit, box)
    if not lines:
        return 0.0
    lengths = [float(np.linalg.norm(line[1] - line[0])) for line in lines.values()]
    covers = [
        max(coverage(line, sight.following(AXIS[side]), 2.5), step_cover(sight.lab, line))
        for side, line in lines.items()
    ]
    return float(np.dot(covers, lengths) / sum(lengths))


def _stepped(sight: Sight, box: Box) -> float:
    lines = feet(sight.unit, box).values()
    return min((step_cover(sight.lab, line) for line in lines), default=0.0)


def _strip_differs(sight: Sight, box: Box, smaller: Box) -> bool:
    """Whether the strip between two boxes looks unlike the floor inside the smaller one."""
    region, inner, core = (
        floor_region(sight.unit, each, sight.floor) for each in (box, smaller, smaller.drawn_in(0.15))
    )
    strip, inside = region & ~inner, inner & ~core
    if strip.sum() < 30 or inside.sum() < 30:
        return False
    looks = [_looks(sight.floor.classes[part]) for part in (strip, inside)]
    return float(np.sqrt(looks[0] * looks[1]).sum()) < 0.7


def _looks(classes: NDArray[np.int32]) -> Floats:
    return np.bincount(classes, minlength=CLASSES) / len(classes)
