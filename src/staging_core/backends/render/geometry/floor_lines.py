"""Lines on the floor that may be the foot of a wall, and how much of a wall's foot they cover.

Tables hold the evidence for one half of the room (left or right of the camera): one row for each
candidate side wall, one column for each candidate far wall; lengths in long sides of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Floats

from .colour_step import step_sizes
from .segments import WORK_PX, Segments
from .sight import ALONG, Sight

SIDE_REACH = (0.12, 9.0)
FAR_REACH = (0.5, 14.0)
"""Where walls are looked for, in camera heights."""
LINE_PX = 3.0
SEGMENT_SHARE = 0.5
BARE_COST = 0.12
TICKS = 160


@dataclass(frozen=True, slots=True)
class FloorLines:
    """Floor-level segments of one family: at one distance, over a range along the wall.

    ``weight``: length in long sides times 0..1, how well each parts floor from something else.
    """

    segments: Segments
    at: Floats
    start: Floats
    end: Floats
    weight: Floats


def floor_lines(sight: Sight, axis: int) -> FloorLines:
    """Segments below the horizon along one room axis, as lines on the floor."""
    segments = sight.following(axis)
    rays = sight.unit.rays(np.stack([segments.start, segments.end]))
    segments = segments.only(np.flatnonzero((rays[..., 2] < -0.03).all(axis=0)))
    foot = sight.unit.on_floor(np.stack([segments.start, segments.middle, segments.end]))
    span = np.sort(foot[[0, 2], :, axis], axis=0)
    weight = _parting(sight, segments, axis) * segments.length / WORK_PX
    return FloorLines(segments, foot[1, :, 1 - axis], span[0], span[1], weight)


def _parting(sight: Sight, segments: Segments, axis: int) -> Floats:
    """0.02..1 for each segment: floor on the near side of it, something else beyond."""
    if not len(segments):
        return np.zeros(0)
    normal = np.stack([-segments.direction[:, 1], segments.direction[:, 0]], axis=1)
    middle = segments.middle
    here = np.abs(sight.unit.on_floor(middle)[:, 1 - axis])
    there = np.abs(sight.unit.on_floor(middle + 2 * normal)[:, 1 - axis])
    inward = np.where((there < here)[:, None], normal, -normal)
    along = np.linspace(0.1, 0.9, 9)[:, None, None]
    points = segments.start + along * (segments.end - segments.start)
    near = np.stack([points + step * inward for step in (5, 9, 14)])
    beyond = np.stack([points - step * inward for step in (4, 8, 13)])
    floor = sight.floor
    odds = floor.odds_at(near).mean(axis=(0, 1))
    parted = np.clip((odds - floor.odds_at(beyond).mean(axis=(0, 1))) / 3 + 0.1, 0, 1)
    colour = floor.lab_at(near).mean(axis=(0, 1)) - floor.lab_at(beyond).mean(axis=(0, 1))
    contrast = np.clip((np.linalg.norm(colour * [0.7, 1.3, 1.3], axis=1) - 3) / 15, 0, 1)
    return np.asarray((0.5 * parted + 0.5 * contrast) * (odds > -0.8) + 0.02)


def side_edges(sight: Sight, side: float, at: Floats, far_at: Floats, lines: FloorLines) -> Floats:
    """Edges on the foot of a side wall (n_side, n_far), less what is bare of any."""
    mine = np.flatnonzero(lines.at * side > 0)
    near = _nearness(sight, lines, mine, at * side, axis=ALONG)
    start, end = lines.start[mine], lines.end[mine]
    within = (far_at[None, :] * 1.02 - start[:, None]) / (end - start)[:, None]
    ticks = np.geomspace(0.02, FAR_REACH[1], TICKS)
    points = np.stack(np.broadcast_arrays(side * at[:, None], ticks[None, :], 0.0), axis=-1)
    drawn = _drawn(sight, points)
    reach = np.stack([np.interp(far_at, ticks[1:], row) for row in drawn])
    return np.asarray(SEGMENT_SHARE * near @ _overlap(within) + reach)


def far_edges(sight: Sight, side: float, at: Floats, far_at: Floats, lines: FloorLines) -> Floats:
    """The same for the half of the far wall's foot on one side of the camera."""
    near = _nearness(sight, lines, np.arange(len(lines.at)), far_at, axis=1 - ALONG)
    low, high = (lines.start, lines.end) if side > 0 else (-lines.end, -lines.start)
    start = np.clip(low, 0, None)
    mine = np.clip(high, 0, None) - start
    within = (at[None, :] * 1.02 - start[:, None]) / np.maximum(mine, 1e-9)[:, None]
    hit = (near @ (_overlap(within) * (mine / (high - low))[:, None])).T
    ticks = np.geomspace(0.02, SIDE_REACH[1], TICKS)
    points = np.stack(np.broadcast_arrays(side * ticks[None, :], far_at[:, None], 0.0), axis=-1)
    drawn = _drawn(sight, points)
    reach = np.stack([np.interp(at, ticks[1:], row) for row in drawn]).T
    return np.asarray(SEGMENT_SHARE * hit + reach)


def _overlap(within: Floats) -> Floats:
    """Share of a segment inside the wall's extent, less most of what juts out beyond it."""
    inside = np.clip(within, 0, 1)
    return np.where(inside > 0, inside - 0.7 * (1 - inside), 0.0)


def _nearness(
    sight: Sight, lines: FloorLines, mine: NDArray[np.intp], at: Floats, *, axis: int
) -> Floats:
    """Weights (n_candidate, n_segment) of segments for lines at a distance, by pixels between."""
    segments = lines.segments.only(mine)
    middle = sight.unit.on_floor(segments.middle)[:, axis]
    flat = np.zeros((len(at), len(middle), 3))
    flat[..., axis] = middle[None, :]
    flat[..., 1 - axis] = at[:, None]
    offset = sight.unit.project(flat) - segments.middle
    direction = segments.direction
    miss = offset[..., 0] * direction[:, 1] - offset[..., 1] * direction[:, 0]
    near = np.exp(-0.5 * (np.nan_to_num(miss, nan=1e3) / LINE_PX) ** 2)
    return np.asarray(near * lines.weight[mine])


def _drawn(sight: Sight, points: Floats) -> Floats:
    """Visible length (n, m-1), added up along each of n lines of points, that a step lies on.

    What is bare costs a little: a wall's foot is seldom invisible.
    """
    unit = sight.unit
    pixels = unit.project(points)
    good = np.isfinite(pixels).all(-1)
    good &= (pixels >= 0).all(-1) & (pixels[..., 0] < unit.width) & (pixels[..., 1] < unit.height)
    pixels = np.where(good[..., None], pixels, 0.0)
    length = np.linalg.norm(np.diff(pixels, axis=1), axis=-1)
    length = np.where(good[:, 1:] & good[:, :-1], length, 0.0)
    size = step_sizes(sight.lab, pixels, smooth=9)
    strength = np.clip((size - 3.0) / 12.0, 0, 1)[:, 1:]
    on_floor = np.clip(1 + sight.floor.odds_at(pixels[:, 1:] + [0.0, 7.0]), 0, 1)
    worth = strength * on_floor - BARE_COST
    return np.asarray(np.cumsum(length * worth, axis=1) / WORK_PX)
