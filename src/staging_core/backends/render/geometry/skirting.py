"""Skirting boards: when the box stands on their upper edge, it is drawn in to their foot.

A skirting of height ``b`` camera heights makes the same line, on every wall, as a wall nearer by
the factor ``1 - b``. A pattern of the floor does so on one wall at most, and looks like floor on
both sides of it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera, Floats

from .box_search import Box, floor_region
from .camera_search import CameraFit
from .colour_step import step_cover
from .floor_map import CLASSES, FloorMap
from .segments import Segments
from .wall_foot import AXIS, coverage, feet

HEIGHTS = np.arange(0.012, 0.172, 0.004)


def stand_on_floor(
    lab: NDArray[np.float32],
    unit: Camera,
    box: Box,
    segments: Segments,
    fit: CameraFit,
    floor: FloorMap,
) -> Box:
    """The box, or the smaller one at the foot of its skirting. ``lab``: the working picture."""
    here = foot_cover(lab, unit, box, segments, fit)
    best, most, apart = box, 0.0, False
    for height in HEIGHTS:
        smaller = _shrunk(box, float(height))
        cover = foot_cover(lab, unit, smaller, segments, fit)
        # Edges of the box itself are near enough to count at first.
        apart = apart or cover < 0.5 * here
        if not apart or cover <= max(0.35, 0.45 * here, most):
            continue
        if cover > 0.7 or _strip_differs(unit, box, smaller, floor):
            best, most = smaller, cover
    return best


def _shrunk(box: Box, height: float) -> Box:
    factor = 1 - height
    return replace(box, left=box.left * factor, right=box.right * factor, far=box.far * factor)


def foot_cover(
    lab: NDArray[np.float32], unit: Camera, box: Box, segments: Segments, fit: CameraFit
) -> float:
    """Share of the length of all visible wall feet that has an edge or a step of colour on it."""
    lines = feet(unit, box.left, box.right, box.far)
    if not lines:
        return 0.0
    lengths = [float(np.linalg.norm(line[1] - line[0])) for line in lines.values()]
    covers = [
        max(coverage(line, segments.only(fit.axis == AXIS[side]), 2.5), step_cover(lab, line))
        for side, line in lines.items()
    ]
    return float(np.dot(covers, lengths) / sum(lengths))


def _strip_differs(unit: Camera, box: Box, smaller: Box, floor: FloorMap) -> bool:
    inner = floor_region(unit, smaller, floor)
    strip = floor_region(unit, box, floor) & ~inner
    inside = inner & ~floor_region(unit, _shrunk(smaller, 0.15), floor)
    if strip.sum() < 30 or inside.sum() < 30:
        return False
    looks = [_looks(floor.classes[part]) for part in (strip, inside)]
    return float(np.sqrt(looks[0] * looks[1]).sum()) < 0.7


def _looks(classes: NDArray[np.int32]) -> Floats:
    return np.bincount(classes, minlength=CLASSES) / len(classes)
