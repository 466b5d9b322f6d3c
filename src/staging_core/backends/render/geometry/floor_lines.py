"""Lines on the floor that may be the foot of a wall, and how much of a wall's foot they cover.

Tables hold the evidence for one half of the room (left or right of the camera): one row for each
candidate side wall, one column for each candidate far wall; lengths in long sides of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera, Floats

from .floor_map import FloorMap
from .segments import WORK_PX, Segments

SIDE_REACH = (0.12, 9.0)
FAR_REACH = (0.5, 14.0)
"""Where walls are looked for, in camera heights."""
LINE_PX = 3.0


@dataclass(frozen=True, slots=True)
class FloorLines:
    """Floor-level segments of one family of lines: at one distance, over a range along the wall."""

    segments: Segments
    at: Floats
    start: Floats
    end: Floats
    weight: Floats


def floor_lines(unit: Camera, segments: Segments, floor: FloorMap, axis: int) -> FloorLines:
    """Segments below the horizon as lines on the floor, weighted by how they part floor from not."""
    ends = np.stack([segments.start, segments.end])
    rays = unit.rays(ends)
    low = (rays[..., 2] < -0.03).all(axis=0)
    segments = segments.only(low)
    foot = unit.on_floor(np.stack([segments.start, segments.middle, segments.end]))
    at = foot[1, :, 1 - axis]
    span = np.sort(foot[[0, 2], :, axis], axis=0)
    weight = _separation(unit, segments, floor, axis) * segments.length / WORK_PX
    return FloorLines(segments, at, span[0], span[1], weight)


def _separation(unit: Camera, segments: Segments, floor: FloorMap, axis: int) -> Floats:
    """0.02..1 for each segment: floor on the near side of it, something else beyond."""
    if not len(segments):
        return np.zeros(0)
    normal = np.stack([-segments.direction[:, 1], segments.direction[:, 0]], axis=1)
    middle = segments.middle
    here = np.abs(unit.on_floor(middle)[:, 1 - axis])
    there = np.abs(unit.on_floor(middle + 2 * normal)[:, 1 - axis])
    inward = np.where((there < here)[:, None], normal, -normal)
    along = np.linspace(0.1, 0.9, 9)[:, None, None]
    points = segments.start + along * (segments.end - segments.start)
    near = np.stack([points + step * inward for step in (5, 9, 14)])
    beyond = np.stack([points - step * inward for step in (4, 8, 13)])
    odds = floor.odds_at(near).mean(axis=(0, 1))
    parted = np.clip((odds - floor.odds_at(beyond).mean(axis=(0, 1))) / 3 + 0.1, 0, 1)
    colour = floor.lab_at(near).mean(axis=(0, 1)) - floor.lab_at(beyond).mean(axis=(0, 1))
    contrast = np.clip((np.linalg.norm(colour * [0.7, 1.3, 1.3], axis=1) - 3) / 15, 0, 1)
    return np.asarray((0.5 * parted + 0.5 * contrast) * (odds > -0.8) + 0.02)


def side_edges(
    unit: Camera, side: float, at: Floats, far_at: Floats, votes: FloorLines
) -> tuple[Floats, Floats]:
    """Supported and bare length (n_side, n_far) of a side wall's floor line, in long sides."""
    mine = votes.at * side > 0
    near = _weights(unit, votes, mine, at * side, axis=1)
    start, end = votes.start[mine], votes.end[mine]
    within = (far_at[None, :] * 1.02 - start[:, None]) / (end - start)[:, None]
    hit = near @ _overlap(within)
    ticks = np.geomspace(0.02, FAR_REACH[1], 160)
    points = np.stack(np.broadcast_arrays(side * at[:, None], ticks[None, :], 0.0), axis=-1)
    visible = _visible_length(unit, points)
    reach = np.stack([np.interp(far_at, ticks[1:], row) for row in visible])
    return hit, reach


def far_edges(
    unit: Camera, side: float, at: Floats, far_at: Floats, votes: FloorLines
) -> tuple[Floats, Floats]:
    """The same for the half of the far wall's floor line on one side of the camera."""
    every = np.ones(len(votes.at), bool)
    near = _weights(unit, votes, every, far_at, axis=0)
    low, high = (votes.start, votes.end) if side > 0 else (-votes.end, -votes.start)
    length = high - low
    share = np.clip(high, 0, None) - np.clip(low, 0, None)
    start = np.clip(low, 0, None)
    within = (at[None, :] * 1.02 - start[:, None]) / np.maximum(share, 1e-9)[:, None]
    hit = (near @ (_overlap(within) * (share / length)[:, None])).T
    ticks = np.geomspace(0.02, SIDE_REACH[1], 160)
    points = np.stack(np.broadcast_arrays(side * ticks[None, :], far_at[:, None], 0.0), axis=-1)
    visible = _visible_length(unit, points)
    reach = np.stack([np.interp(at, ticks[1:], row) for row in visible]).T
    return hit, reach


def _overlap(within: Floats) -> Floats:
    """Share of a segment inside the wall's extent, less half of what juts out beyond it."""
    inside = np.clip(within, 0, 1)
    return np.where(inside > 0, inside - 0.7 * (1 - inside), 0.0)


def _weights(
    unit: Camera, votes: FloorLines, mine: NDArray[np.bool_], at: Floats, axis: int
) -> Floats:
    """Weights (n_candidate, n_segment) of segments for lines at a distance, by pixels between."""
    segments = votes.segments.only(mine)
    middle = unit.on_floor(segments.middle)[:, axis]
    flat = np.zeros((len(at), len(middle), 3))
    flat[..., axis] = middle[None, :]
    flat[..., 1 - axis] = at[:, None]
    offset = unit.project(flat) - segments.middle
    direction = segments.direction
    miss = offset[..., 0] * direction[:, 1] - offset[..., 1] * direction[:, 0]
    near = np.exp(-0.5 * (np.nan_to_num(miss, nan=1e3) / LINE_PX) ** 2)
    return np.asarray(near * votes.weight[mine])


def _visible_length(unit: Camera, points: Floats) -> Floats:
    """Length (n, m-1) in long sides, added up along each of n lines, of what lies in the frame."""
    pixels = unit.project(points)
    good = np.isfinite(pixels).all(-1)
    good &= (pixels >= 0).all(-1) & (pixels[..., 0] < unit.width) & (pixels[..., 1] < unit.height)
    step = np.linalg.norm(np.diff(pixels, axis=1), axis=-1)
    step = np.where(good[:, 1:] & good[:, :-1], step, 0.0)
    return np.asarray(np.cumsum(step, axis=1) / WORK_PX)
