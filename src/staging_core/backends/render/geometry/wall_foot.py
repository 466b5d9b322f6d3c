"""The foot of each wall as a line of the picture, and how much of it has an edge on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera, Floats
from staging_core.backends.render.room import Side

from .box import Box
from .segments import WORK_PX, Segments

SIDES: tuple[Side, ...] = ("left", "right", "far")
AXIS: Mapping[Side, int] = {"left": 1, "right": 1, "far": 0}
"""The room axis that runs along each wall."""
SEEN_PX = 0.03 * WORK_PX


def feet(unit: Camera, box: Box, height: float = 0.0) -> dict[Side, Floats]:
    """Visible picture lines (2, 2) of the walls' feet; walls that show less than 3 % are missing.

    ``height`` above the floor, in camera heights, gives other level lines, such as the ceiling's.
    """
    left, right, far = box.left, box.right, box.far
    corners = {
        "left": [[-left, -2.0, height], [-left, far, height]],
        "right": [[right, -2.0, height], [right, far, height]],
        "far": [[-left, far, height], [right, far, height]],
    }
    lines = {side: picture_line(unit, np.array(corners[side])) for side in SIDES}
    return {side: line for side, line in lines.items() if line is not None}


def picture_line(unit: Camera, ends: Floats, shortest: float = SEEN_PX) -> Floats | None:
    """The part (2, 2) of a straight line between two room points that lies in the frame."""
    depth = (ends - np.array([0.0, 0.0, unit.height_m])) @ unit.rotation()[2]
    if depth.max() < 0.05:
        return None
    if depth.min() < 0.05:
        hidden = int(np.argmin(depth))
        share = (0.05 - depth[hidden]) / (depth[1 - hidden] - depth[hidden])
        ends = ends.copy()
        ends[hidden] += share * (ends[1 - hidden] - ends[hidden])
    line = unit.project(ends)
    inside = _clip(line[0], line[1] - line[0], unit.width, unit.height)
    if inside is None:
        return None
    kept = line[0] + np.array(inside)[:, None] * (line[1] - line[0])
    return kept if np.linalg.norm(kept[1] - kept[0]) >= shortest else None


def _clip(start: Floats, step: Floats, width: int, height: int) -> tuple[float, float] | None:
    """Liang-Barsky: the range of t for which start + t * step lies in the frame."""
    low, high = 0.0, 1.0
    for begin, move, limit in ((start[0], step[0], width), (start[1], step[1], height)):
        if abs(move) < 1e-9:
            if not 0 <= begin <= limit:
                return None
            continue
        first, second = sorted((-begin / move, (limit - begin) / move))
        low, high = max(low, float(first)), min(high, float(second))
    return (low, high) if low < high else None


def coverage(line: Floats, segments: Segments, within_px: float = 3.0) -> float:
    """Share 0..1 of a picture line (2, 2) that segments of its own direction lie on."""
    ranges = ranges_on(line, segments, within_px)
    ticks = (np.arange(200) + 0.5) / 200
    hit = (ticks >= ranges[:, :1]) & (ticks <= ranges[:, 1:])
    return float(hit.any(axis=0).mean())


def ranges_on(line: Floats, segments: Segments, within_px: float = 3.0) -> Floats:
    """Ranges (n, 2) in shares of a picture line that are covered by segments lying on it."""
    close = lying_on(line, segments, within_px)
    along = line[1] - line[0]
    total = float(along @ along)
    first = (segments.start[close] - line[0]) @ along / total
    last = (segments.end[close] - line[0]) @ along / total
    return np.sort(np.stack([first, last], axis=1), axis=1)


def lying_on(line: Floats, segments: Segments, within_px: float = 3.0) -> NDArray[np.bool_]:
    """Which segments (n,) have both ends within some pixels of a picture line."""
    along = line[1] - line[0]
    normal = np.array([-along[1], along[0]]) / np.linalg.norm(along)
    off = [np.abs((ends - line[0]) @ normal) for ends in (segments.start, segments.end)]
    return np.asarray(np.maximum(off[0], off[1]) < within_px)
