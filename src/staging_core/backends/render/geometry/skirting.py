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
from .colour_step import WIDE, mean_step, step_cover
from .floor_map import CLASSES
from .sight import Sight
from .wall_foot import AXIS, coverage, feet

HEIGHTS = np.arange(0.012, 0.172, 0.004)


def stand_on_floor(sight: Sight, box: Box) -> Box:
    """The box, or the smaller one at the foot of its skirting.

    Where a skirting is likely but not sure, the box stays and its walls' spread says so.
    """
    here = foot_cover(sight, box)
    steps = np.array([_step(sight, box.drawn_in(float(height))) for height in HEIGHTS])
    best, most, doubt, apart = box, 0.0, 0.0, False
    for k, height in enumerate(HEIGHTS):
        smaller = box.drawn_in(float(height))
        cover = foot_cover(sight, smaller)
        # Edges of the box itself are near enough to count at first.
        apart = apart or cover < 0.5 * here
        if not apart or cover <= max(0.35, 0.45 * here):
            continue
        if not (_peaks(steps, k) or _strip_differs(sight, box, smaller)):
            doubt = max(doubt, float(height))
        elif cover > most:
            best, most = smaller, cover
    return best if most > 0 else box.doubted(doubt / 2)


def _step(sight: Sight, box: Box) -> float:
    """The smallest average step of colour on a visible wall foot."""
    lines = feet(sight.unit, box).values()
    return min((mean_step(sight.lab, line, WIDE) for line in lines), default=0.0)


def _peaks(steps: Floats, k: int) -> bool:
    """Whether a step stands out from those around it: shade grows slowly, an edge does not."""
    around = [step for i, step in enumerate(steps) if 3 <= abs(i - k) <= 7]
    peak = steps[max(0, k - 1) : k + 2].max()
    return bool(peak > 3.0 + 1.3 * float(np.median(around)))


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


def _strip_differs(sight: Sight, box: Box, smaller: Box) -> bool:
    """Whether the strip between two boxes looks unlike the floor inside the smaller one."""
    floor = sight.floor
    region, inner, core = (
        floor_region(sight.unit, each, floor) for each in (box, smaller, smaller.drawn_in(0.15))
    )
    strip, inside = region & ~inner, inner & ~core
    if strip.sum() < 30 or inside.sum() < 30 or float(floor.grown[strip].mean()) > 0.8:
        return False
    looks = [_looks(floor.classes[part]) for part in (strip, inside)]
    return float(np.sqrt(looks[0] * looks[1]).sum()) < 0.7


def _looks(classes: NDArray[np.int32]) -> Floats:
    return np.bincount(classes, minlength=CLASSES) / len(classes)
