"""The room's box around a known camera: left, right and far wall, and the ceiling.

Lengths are in camera heights until the end. The score of a box is a sum over its left and its
right half, each depending on one side wall and the far wall only, so that every combination of
candidate walls is tried.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera, Floats

from .camera_search import CameraFit
from .floor_lines import FAR_REACH, SIDE_REACH, FloorLines, far_edges, floor_lines, side_edges
from .floor_map import FloorMap, pixel_grid
from .polygon import BEHIND
from .segments import WORK_PX, Segments

HEIGHTS = np.geomspace(0.32, 2.3, 50)
"""Ceiling over camera, in camera heights."""
REGION_WEIGHT = 3.0
EDGE_WEIGHT = 1.0
BARE_WEIGHT = 0.12
CORNER_WEIGHT = 0.5
STANDING_WEIGHT = 1.0
BEARINGS = np.arange(-90.0, 90.1, 0.25)
CEILING_WEIGHT = 0.35


@dataclass(frozen=True, slots=True)
class Box:
    """Distances in camera heights, all positive; ``ceiling`` is above the camera.

    ``*_support``: 0..1, share of the wall's visible floor line that has an edge on it, None for a
    wall out of view. ``score`` is comparable only within one photo. ``spread``: relative standard
    deviation of left, right, far.
    """

    left: float
    right: float
    far: float
    ceiling: float
    score: float
    left_support: float | None
    right_support: float | None
    far_support: float | None
    ceiling_support: float
    spread: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Half:
    """Scores (n_side, n_far) of one half and its candidate distances."""

    at: Floats
    score: Floats


def search_box(camera: Camera, segments: Segments, fit: CameraFit, floor: FloorMap) -> Box:
    """The best box, with the floor's looks learned anew from a first answer."""
    unit = replace(camera, height_m=1.0)
    box = _search(unit, segments, fit, floor)
    for _ in range(2):
        inside = floor_region(unit, box, floor)
        floor = floor.learned(inside, ~inside)
        box = _search(unit, segments, fit, floor)
    return box


def floor_region(unit: Camera, box: Box, floor: FloorMap) -> NDArray[np.bool_]:
    """Map pixels (h, w) on the floor of a box; ``unit`` has height 1."""
    height, width = floor.odds.shape
    x, y = pixel_grid(height, width, floor.scale)
    rays = unit.rays(np.stack([x, y], axis=-1))
    down = np.maximum(-rays[..., 2], 1e-6)
    across, along = rays[..., 0] / down, rays[..., 1] / down
    return (
        floor.below
        & (across > -box.left)
        & (across < box.right)
        & (along < box.far)
        & (along > BEHIND)
    )


def _search(unit: Camera, segments: Segments, fit: CameraFit, floor: FloorMap) -> Box:
    along = floor_lines(unit, segments.only(fit.axis == 1), floor, axis=1)
    across = floor_lines(unit, segments.only(fit.axis == 0), floor, axis=0)
    far_at = _candidates(across.at[across.weight > 0], FAR_REACH)
    standing = segments.only(fit.axis == 2)
    uprights = _uprights(unit, standing)
    lefts, rights = (
        _half(unit, side, along, across, far_at, floor, uprights, standing) for side in (-1.0, 1.0)
    )
    ceilings = _ceiling_votes(unit, segments, fit)
    return _best(unit, lefts, rights, far_at, ceilings, along, across)


def _candidates(found: Floats, reach: tuple[float, float]) -> Floats:
    """Distances worth trying: where segments lie, a coarse ladder between, and out of view."""
    ladder = np.geomspace(*reach, 48)
    within = found[(found > reach[0]) & (found < reach[1])]
    return np.unique(np.concatenate([np.round(within, 4), ladder]))


def _half(
    unit: Camera,
    side: float,
    along: FloorLines,
    across: FloorLines,
    far_at: Floats,
    floor: FloorMap,
    uprights: Floats,
    standing: Segments,
) -> _Half:
    mine = along.at * side > 0
    at = _candidates(side * along.at[mine], SIDE_REACH)
    score = REGION_WEIGHT * _region(unit, side, at, far_at, floor)
    hit, bare = side_edges(unit, side, at, far_at, along)
    score += EDGE_WEIGHT * hit - BARE_WEIGHT * bare
    hit, bare = far_edges(unit, side, at, far_at, across)
    score += EDGE_WEIGHT * hit - BARE_WEIGHT * bare
    score -= STANDING_WEIGHT * _standing_inside(unit, side, at, far_at, standing)
    bearing = np.degrees(np.arctan2(side * at[:, None], far_at[None, :]))
    score += CORNER_WEIGHT * np.interp(bearing, BEARINGS, uprights)
    return _Half(at, score)


def _region(unit: Camera, side: float, at: Floats, far_at: Floats, floor: FloorMap) -> Floats:
    """Mean log-odds agreement (n_side, n_far) of the half's pixels with the map."""
    height, width = floor.odds.shape
    x, y = pixel_grid(height, width, floor.scale)
    rays = unit.rays(np.stack([x, y], axis=-1))[floor.below]
    odds = floor.odds[floor.below]
    foot = rays[:, :2] / -rays[:, 2:]
    half = foot[:, 0] * side >= 0
    inside = _sum_inside(side, at, far_at, foot[half], odds[half])
    return np.asarray((2 * inside - odds[half].sum()) / floor.odds.size)


def _standing_inside(
    unit: Camera, side: float, at: Floats, far_at: Floats, standing: Segments
) -> Floats:
    """Length (n_side, n_far), in long sides, of upright lines that would stand on open floor.

    Corners of walls and frames of doors end at the foot of a wall; only things and mirrors do not.
    """
    share = np.linspace(0.05, 0.95, 7)[:, None, None]
    points = (standing.start + share * (standing.end - standing.start)).reshape(-1, 2)
    weight = np.tile(standing.length / (7 * WORK_PX), 7)
    rays = unit.rays(points)
    low = (rays[:, 2] < -0.02) & (rays[:, 0] * side >= 0)
    foot = rays[low, :2] / -rays[low, 2:]
    # A little inside, or a corner itself would count against its own box.
    return _sum_inside(side, at * 0.96, far_at * 0.96, foot, weight[low])


def _sum_inside(side: float, at: Floats, far_at: Floats, foot: Floats, weight: Floats) -> Floats:
    """Sums (n_side, n_far) of the weights of floor points (n, 2) inside each box."""
    column = np.searchsorted(at, foot[:, 0] * side)
    row = np.searchsorted(far_at, foot[:, 1])
    size = (len(at) + 1, len(far_at) + 1)
    flat = np.bincount(column * size[1] + row, weight, size[0] * size[1]).reshape(size)
    return np.asarray(flat.cumsum(0).cumsum(1)[:-1, :-1])


def _uprights(unit: Camera, segments: Segments) -> Floats:
    """Length of upright segments, in long sides, by bearing; smoothed over half a degree."""
    if not len(segments):
        return np.zeros(len(BEARINGS))
    rays = unit.rays(segments.middle)
    bearing = np.degrees(np.arctan2(rays[:, 0], rays[:, 1]))
    apart = np.exp(-0.5 * ((BEARINGS[:, None] - bearing[None, :]) / 0.4) ** 2)
    return np.asarray(np.minimum(apart @ (segments.length / WORK_PX), 0.5))


@dataclass(frozen=True, slots=True)
class _Ceiling:
    """Support of ceiling lines by log distance (in ceiling heights over the camera)."""

    grid: Floats
    left: Floats
    right: Floats
    far: Floats


def _ceiling_votes(unit: Camera, segments: Segments, fit: CameraFit) -> _Ceiling:
    grid = np.arange(np.log(0.08), np.log(40.0), 0.01)
    rays = unit.rays(segments.middle)
    high = rays[:, 2] > 0.03
    up = np.where(high, rays[:, 2], 1.0)
    profiles = []
    for axis, side in ((1, -1.0), (1, 1.0), (0, 1.0)):
        chosen = high & (fit.axis == axis) & (rays[:, 1 - axis] * side > 1e-6)
        at = np.log(rays[chosen, 1 - axis] * side / up[chosen])
        apart = np.exp(-0.5 * ((grid[:, None] - at[None, :]) / 0.02) ** 2)
        profiles.append(np.minimum(apart @ (segments.length[chosen] / WORK_PX), 0.6))
    return _Ceiling(grid, *profiles)


def _best(
    unit: Camera,
    lefts: _Half,
    rights: _Half,
    far_at: Floats,
    ceilings: _Ceiling,
    along: FloorLines,
    across: FloorLines,
) -> Box:
    best: tuple[float, int, int, int, float] | None = None
    for height in HEIGHTS:
        left = lefts.score + CEILING_WEIGHT * _ceiling(ceilings, ceilings.left, lefts.at, height)
        right = rights.score + CEILING_WEIGHT * _ceiling(
            ceilings, ceilings.right, rights.at, height
        )
        far = CEILING_WEIGHT * _ceiling(ceilings, ceilings.far, far_at, height)[:, 0]
        total = left.max(0) + right.max(0) + far - 0.1 * np.log(height / 0.85) ** 2
        k = int(np.argmax(total))
        if best is None or total[k] > best[0]:
            i, j = int(np.argmax(left[:, k])), int(np.argmax(right[:, k]))
            best = (float(total[k]), i, j, k, float(height))
    assert best is not None
    score, i, j, k, height = best
    at = (float(lefts.at[i]), float(rights.at[j]), float(far_at[k]))
    return Box(*at, height, score, 1.0, 1.0, 1.0, 1.0, (0.02, 0.02, 0.02))


def _ceiling(ceilings: _Ceiling, profile: Floats, at: Floats, height: float) -> Floats:
    return np.interp(np.log(at / height), ceilings.grid, profile)[:, None]
