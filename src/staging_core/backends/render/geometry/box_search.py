"""The room's box around a known camera: left, right and far wall, and the ceiling.

Lengths are in camera heights. The score of a box is a sum over its left and its right half, each
depending on one side wall and the far wall only, so that every combination of candidate walls is
tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from staging_core.backends.render.camera import Floats

from .box import Box, floor_region
from .ceiling_lines import HEIGHTS, CeilingLines, ceiling_lines
from .floor_lines import FAR_REACH, SIDE_REACH, FloorLines, far_edges, floor_lines, side_edges
from .floor_map import pixel_grid
from .segments import WORK_PX, Segments
from .sight import ACROSS, ALONG, UP, Sight

REGION_WEIGHT = 3.0
CORNER_WEIGHT = 0.5
STANDING_WEIGHT = 1.0
CEILING_WEIGHT = 0.35
HEIGHT_COST = 0.1
BEARINGS = np.arange(-90.0, 90.1, 0.25)
TEMPERATURE = 0.015
"""Difference of score that is worth one step of likelihood (e); sets how wide spreads come out."""


@dataclass(frozen=True, slots=True)
class _Half:
    """Scores (n_side, n_far) of one half and its candidate distances."""

    at: Floats
    score: Floats


def search_box(sight: Sight) -> tuple[Box, Sight]:
    """The best box, and the sight with the floor's looks learned anew from a first answer."""
    box = _search(sight)
    for _ in range(2):
        inside = floor_region(sight.unit, box, sight.floor)
        sight = sight.with_floor(sight.floor.learned(inside, ~inside))
        box = _search(sight)
    return box, sight


def _search(sight: Sight) -> Box:
    along, across = floor_lines(sight, ALONG), floor_lines(sight, ACROSS)
    far_at = _candidates(across.at, FAR_REACH)
    uprights = _uprights(sight)
    left, right = (_half(sight, side, far_at, (along, across)) for side in (-1.0, 1.0))
    for side, half in ((-1.0, left), (1.0, right)):
        bearing = np.degrees(np.arctan2(side * half.at[:, None], far_at[None, :]))
        half.score[:] += CORNER_WEIGHT * np.interp(bearing, BEARINGS, uprights)
    return _best(left, right, far_at, ceiling_lines(sight))


def _candidates(found: Floats, reach: tuple[float, float]) -> Floats:
    """Distances worth trying: where segments lie, and a ladder of steps of three per cent."""
    ladder = np.geomspace(*reach, 110)
    within = found[(found > reach[0]) & (found < reach[1])]
    return np.unique(np.concatenate([np.round(within, 4), ladder]))


def _half(sight: Sight, side: float, far_at: Floats, lines: tuple[FloorLines, FloorLines]) -> _Half:
    along, across = lines
    at = _candidates(side * along.at[along.at * side > 0], SIDE_REACH)
    score = REGION_WEIGHT * _region(sight, side, at, far_at)
    score += side_edges(sight, side, at, far_at, along)
    score += far_edges(sight, side, at, far_at, across)
    score -= STANDING_WEIGHT * _standing_inside(sight, side, at, far_at)
    return _Half(at, score)


def _region(sight: Sight, side: float, at: Floats, far_at: Floats) -> Floats:
    """Mean log-odds agreement (n_side, n_far) of the half's pixels with the floor map."""
    floor = sight.floor
    rays = sight.unit.rays(pixel_grid(floor)[floor.below])
    odds = floor.odds[floor.below].astype(np.float64)
    foot = rays[:, :2] / -rays[:, 2:]
    half = foot[:, 0] * side >= 0
    inside = _sum_inside(side, at, far_at, foot[half], odds[half])
    return np.asarray((2 * inside - odds[half].sum()) / floor.odds.size)


def _standing_inside(sight: Sight, side: float, at: Floats, far_at: Floats) -> Floats:
    """Length (n_side, n_far), in long sides, of upright lines that would stand on open floor.

    Corners of walls and frames of doors end at the foot of a wall; only things and mirrors do not.
    """
    standing = sight.following(UP)
    share = np.linspace(0.05, 0.95, 7)[:, None, None]
    points = (standing.start + share * (standing.end - standing.start)).reshape(-1, 2)
    weight = np.tile(standing.length / (7 * WORK_PX), 7)
    rays = sight.unit.rays(points)
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


def _uprights(sight: Sight) -> Floats:
    """Length of upright segments, in long sides, by bearing; smoothed over half a degree."""
    segments: Segments = sight.following(UP)
    if not len(segments):
        return np.zeros(len(BEARINGS))
    rays = sight.unit.rays(segments.middle)
    bearing = np.degrees(np.arctan2(rays[:, 0], rays[:, 1]))
    apart = np.exp(-0.5 * ((BEARINGS[:, None] - bearing[None, :]) / 0.4) ** 2)
    return np.asarray(np.minimum(apart @ (segments.length / WORK_PX), 0.5))


def _best(left: _Half, right: _Half, far_at: Floats, ceiling: CeilingLines) -> Box:
    scores = []
    for height in HEIGHTS:
        support = ceiling.support(left.at, right.at, far_at, float(height))
        lefts = left.score + CEILING_WEIGHT * support[0][:, None]
        rights = right.score + CEILING_WEIGHT * support[1][:, None]
        far = CEILING_WEIGHT * support[2] - HEIGHT_COST * np.log(height / 0.85) ** 2
        scores.append((lefts, rights, far))
    totals = np.stack([lefts.max(0) + rights.max(0) + far for lefts, rights, far in scores])
    h, k = np.unravel_index(int(np.argmax(totals)), totals.shape)
    lefts, rights, far = scores[h]
    i, j = int(np.argmax(lefts[:, k])), int(np.argmax(rights[:, k]))
    spread = (
        _spread(left.at, (lefts + (rights.max(0) + far)).max(1)),
        _spread(right.at, (rights + (lefts.max(0) + far)).max(1)),
        _spread(far_at, totals[h]),
    )
    return Box(
        float(left.at[i]),
        float(right.at[j]),
        float(far_at[k]),
        float(HEIGHTS[h]),
        float(totals[h, k]),
        spread,
    )


def _spread(at: Floats, best: Floats) -> float:
    """Relative standard deviation towards the camera of a wall's distance, others following it.

    That a wall may be farther puts no furniture through it.
    """
    likely = np.exp((best - best.max()) / TEMPERATURE)
    # Candidates lie unevenly: each stands for the gap around it.
    likely *= np.gradient(np.log(at))
    miss = np.minimum(np.log(at) - np.log(at[int(np.argmax(best))]), 0.0)
    return float(np.sqrt((likely * miss**2).sum() / likely.sum()))
