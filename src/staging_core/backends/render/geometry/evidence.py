"""What speaks for a box and against it: the figures that the judge decides on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera, Floats

from .box import Box, floor_region
from .floor_map import CLASSES, FloorMap, pixel_grid
from .segments import WORK_PX, Segments
from .sight import UP, Sight
from .skirting import foot_cover


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured; shares 0..1 unless said otherwise.

    ``lines``: number of segments. ``explained``: of the length of lines off the floor, along the
    room's axes. ``foot_cover``: of the walls' visible feet, with an edge on it; ``ceiling_cover``:
    the same of the ceiling's lines. ``parting``: 0 when floor and what is beyond look the same, 1
    when nothing of one is seen in the other. ``floor_share``: of the picture, floor. ``clutter``:
    of the floor, unlike its surroundings. ``agreement``: overlap of the box's floor with the floor
    grown from the picture's foot. ``stray_lines``, ``askew_lines``, ``uprights_on_floor``: lengths,
    in long sides, of lines on the floor that no pattern explains (less if they are few among many),
    that belong to a pattern laid askew, and of upright ones. ``light``: median lightness 0..255.
    ``bare``: (h, w) bare floor. ``reach``: how far the visible floor goes left, right and away, in
    camera heights.
    """

    lines: int
    explained: float
    foot_cover: float
    ceiling_cover: float
    parting: float
    floor_share: float
    clutter: float
    agreement: float
    stray_lines: float
    askew_lines: float
    uprights_on_floor: float
    light: float
    bare: NDArray[np.bool_]
    reach: tuple[float, float, float]


def weigh(sight: Sight, box: Box, ceiling_cover: float) -> Evidence:
    """Measure a box against the picture."""
    region = floor_region(sight.unit, box, sight.floor)
    bare = bare_floor(sight.floor.lab, region)
    on_floor = _inside(sight.segments, region, sight.floor.scale)
    length = sight.segments.length / WORK_PX
    rest = length[~on_floor].sum()
    stray, askew = _patterns(sight, on_floor & (sight.axis == -1))
    return Evidence(
        lines=len(sight.segments),
        explained=float(length[~on_floor & (sight.axis >= 0)].sum() / max(rest, 1e-6)),
        foot_cover=foot_cover(sight, box),
        ceiling_cover=ceiling_cover,
        parting=_parting(region, sight.floor),
        floor_share=float(region.mean()),
        clutter=float(1 - bare.sum() / max(1, region.sum())),
        agreement=_agreement(region, sight.floor),
        stray_lines=stray * min(1.0, 3 * stray / max(float(length[on_floor].sum()), 1e-6)),
        askew_lines=askew,
        uprights_on_floor=float(length[on_floor & (sight.axis == UP)].sum()),
        light=float(np.median(sight.lab[..., 0])),
        bare=bare,
        reach=_reach(sight.unit, region, sight.floor),
    )


def bare_floor(lab: NDArray[np.float32], region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The part (h, w) of a floor region that looks like its surroundings on the floor.

    The floor's colour is its own wide average, so that light may fade over the room; things that
    stand out from it in a piece of noticeable size are not floor.
    """
    height, width = region.shape
    fine = cv2.GaussianBlur(lab, (0, 0), 1.5)
    mask = region.astype(np.float32)
    wide = 0.08 * max(height, width)
    total = cv2.GaussianBlur(mask, (0, 0), wide)
    mean = (
        cv2.GaussianBlur(fine * mask[..., None], (0, 0), wide) / np.maximum(total, 1e-3)[..., None]
    )
    apart = np.abs(fine - mean) @ np.array([0.6, 1.2, 1.2], np.float32)
    usual = float(np.median(apart[region])) if region.any() else 0.0
    odd = (region & (apart > 14 + 4 * usual)).astype(np.uint8)
    closed = cv2.morphologyEx(odd, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    large = np.zeros(count, bool)
    large[1:] = stats[1:, cv2.CC_STAT_AREA] > 0.0015 * region.size
    return np.asarray(region & ~large[labels])


def _inside(segments: Segments, region: NDArray[np.bool_], scale: float) -> NDArray[np.bool_]:
    """Segments (n,) wholly on the floor and clear of its edge."""
    inner = cv2.erode(region.astype(np.uint8), np.ones((7, 7), np.uint8), borderValue=1) > 0
    hit = np.ones(len(segments), bool)
    for points in (segments.start, segments.middle, segments.end):
        column = np.clip((points[:, 0] * scale).astype(int), 0, region.shape[1] - 1)
        row = np.clip((points[:, 1] * scale).astype(int), 0, region.shape[0] - 1)
        hit &= inner[row, column]
    return hit


def _agreement(region: NDArray[np.bool_], floor: FloorMap) -> float:
    """Overlap over union of the box's floor and the floor that was grown over the picture."""
    grown = (floor.grown > 0.5) & floor.below
    return float((region & grown).sum() / max(1, (region | grown).sum()))


def _patterns(sight: Sight, odd: NDArray[np.bool_]) -> tuple[float, float]:
    """Lengths, in long sides, of lines on the floor that do not run along the walls.

    First those that follow no pattern either, then those of one pattern laid askew: boards and
    tiles have two directions on the floor, at a right angle to each other.
    """
    segments = sight.segments.only(np.flatnonzero(odd))
    if not len(segments):
        return 0.0, 0.0
    ends = sight.unit.on_floor(np.stack([segments.start, segments.end]))
    along = ends[1] - ends[0]
    turn = np.degrees(np.arctan2(along[:, 1], along[:, 0])) % 90
    length = segments.length / WORK_PX
    apart = np.abs((turn[:, None] - np.arange(90.0) + 45) % 90 - 45)
    askew = float(((apart < 4) * length[:, None]).sum(axis=0).max())
    return float(length.sum() - askew), askew


def _parting(region: NDArray[np.bool_], floor: FloorMap) -> float:
    """How little the classes of the floor and of a band around it overlap (Bhattacharyya)."""
    band = cv2.dilate(region.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    around = band & ~region
    if not region.any() or not around.any():
        return 0.0
    inside = np.bincount(floor.classes[region], minlength=CLASSES) / region.sum()
    outside = np.bincount(floor.classes[around], minlength=CLASSES) / around.sum()
    return float(1 - np.sqrt(inside * outside).sum())


def _reach(unit: Camera, region: NDArray[np.bool_], floor: FloorMap) -> tuple[float, float, float]:
    if not region.any():
        return 0.0, 0.0, 0.0
    foot: Floats = unit.on_floor(pixel_grid(floor)[region])
    return (
        float(max(0.0, -foot[:, 0].min())),
        float(max(0.0, foot[:, 0].max())),
        float(foot[:, 1].max()),
    )
