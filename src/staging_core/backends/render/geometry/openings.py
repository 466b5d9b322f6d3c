"""Doors, windows and fireplaces: patches of a wall that do not look like the wall, and frames.

Weak spots: a white door in a white wall shows by its frame's lines only; pictures and mirrors on a
wall are taken for windows, which keeps tall furniture away from them too.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Floats
from staging_core.backends.render.room import Opening, OpeningKind, Side

from .box import Box
from .segments import Segments
from .sight import UP, Sight
from .wall_foot import AXIS, SIDES, feet
from .wall_view import CELL, WallView, view_wall

Patch = tuple[float, float, float, float]
"""start, end along the wall and bottom, top above the floor, in camera heights."""

LEAST_M = 0.35
FOOT_M = 0.25
LOW_JAMB_M = 0.55
SKIRTING_M = 0.2
WIDEST_DOOR_M = 2.6


def find_openings(sight: Sight, box: Box, scale: float) -> tuple[Opening, ...]:
    """What furniture must keep clear of on the walls in view, in metres by ``scale``."""
    found: list[Opening] = []
    for side in feet(sight.unit, box):
        view = view_wall(sight, box, side)
        if view.valid.sum() < 200:
            continue
        patches = _merged([*_unlike_wall(view, scale), *_frames(sight, box, side, scale)])
        found += [_opening(side, patch, box, scale) for patch in patches]
    return tuple(found)


def _unlike_wall(view: WallView, scale: float) -> list[Patch]:
    """Bounding boxes of patches that stand out from the wall's own, slowly fading colour."""
    apart = _difference(view, 0.5 / scale / CELL)
    odd = (view.valid & (apart > 16)).astype(np.uint8)
    foot = odd[round(0.12 / scale / CELL) : round(FOOT_M / scale / CELL)].copy()
    # Skirtings and cornices run along the wall and would tie its openings together.
    odd[: round(FOOT_M / scale / CELL)] = 0
    odd[len(odd) - round(0.2 / scale / CELL) :] = 0
    grown = max(1, round(0.05 / scale / CELL))
    closed = cv2.morphologyEx(odd, cv2.MORPH_CLOSE, np.ones((2 * grown + 1,) * 2, np.uint8))
    solid = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((grown + 2,) * 2, np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid)
    patches = []
    for x, y, width, height, area in stats[1:].tolist():
        large = min(width, height) * CELL * scale > LEAST_M
        if large and area > 0.45 * width * height:
            first = view.start + x * CELL
            # A door goes on down to the floor; below a low sill there is wall.
            low = y * CELL * scale < FOOT_M + 0.08 and foot[:, x : x + width].mean() > 0.35
            bottom = 0.0 if low else y * CELL
            patches.append((first, first + width * CELL, bottom, (y + height) * CELL))
    return patches


def _difference(view: WallView, wide: float) -> NDArray[np.float32]:
    """How far (rows, columns) each place is from the wall around it, leaving out what is odd."""
    lab = view.lab
    mask = view.valid.astype(np.float32)
    typical = np.median(lab[view.valid], axis=0)
    apart = np.abs(lab - typical) @ np.array([0.5, 1.4, 1.4], np.float32)
    for limit in (40.0, 20.0):
        kept = mask * (apart < limit)
        total = cv2.GaussianBlur(kept, (0, 0), wide)[..., None]
        mean = cv2.GaussianBlur(lab * kept[..., None], (0, 0), wide) + 1e-3 * typical
        apart = np.abs(lab - mean / (total + 1e-3)) @ np.array([0.7, 1.4, 1.4], np.float32)
    return np.asarray(apart, np.float32)


def _frames(sight: Sight, box: Box, side: Side, scale: float) -> list[Patch]:
    """Level lines on a wall that hang between two upright ones: heads of doors and windows."""
    level = _placed(sight, box, side, sight.following(AXIS[side]))
    upright = _placed(sight, box, side, sight.following(UP))
    near = 0.12 / scale
    # The upright lines of the room's own corners frame nothing.
    corners = np.array([-box.left, box.right] if side == "far" else [box.far])
    inner = (np.abs(upright[:, :1] - corners) > near).all(axis=1)
    upright = upright[inner & (upright[:, 3] - upright[:, 2] > 0.3 / scale)]
    patches = []
    for first, last, height, _ in level:
        width = (last - first) * scale
        if not (0.55 < width < 3.2 and 1.0 / scale < height < 0.93 * (1 + box.ceiling)):
            continue
        jambs = [
            upright[(np.abs(upright[:, 0] - end) < near) & (np.abs(upright[:, 3] - height) < near)]
            for end in (first, last)
        ]
        bottom = frame_foot(jambs, width, height * scale, scale)
        if bottom is not None and (height - bottom) * scale > 0.5:
            patches.append((float(first), float(last), bottom, float(height)))
    return patches


def frame_foot(jambs: list[Floats], width_m: float, height_m: float, scale: float) -> float | None:
    """How far down a head's jambs reach, in camera heights; None when it frames nothing.

    A white door in a white wall often shows its head and one jamb only.
    """
    lowest = [float(jamb[:, 2].min()) for jamb in jambs if len(jamb)]
    if len(lowest) == len(jambs):
        return max(0.0, *lowest)
    like_a_door = 0.6 < width_m < 1.1 and 1.7 < height_m < 2.3
    return 0.0 if lowest and like_a_door and lowest[0] * scale < LOW_JAMB_M else None


def _placed(sight: Sight, box: Box, side: Side, segments: Segments) -> Floats:
    """Segments (n, 4) that lie on a wall: start, end along it, bottom, top, in camera heights."""
    ends = sight.unit.rays(np.stack([segments.start, segments.end]))
    hits = np.stack([_reach(box, each, ends) for each in SIDES])
    own = hits[SIDES.index(side)]
    mine = (own <= hits.min(axis=0) * 1.02).all(axis=0)
    points = ends[:, mine] * own[:, mine, None]
    points[..., 2] += 1.0
    along = np.sort(points[..., 0 if side == "far" else 1], axis=0)
    up = np.sort(points[..., 2], axis=0)
    on = (up[0] > -0.05) & (up[1] < 1.02 + box.ceiling)
    return np.asarray(np.stack([along[0], along[1], up[0], up[1]], axis=1)[on])


def _reach(box: Box, side: Side, rays: Floats) -> Floats:
    """How often a ray must be taken to reach a wall; infinite when it goes away from it."""
    at = {"left": -box.left, "right": box.right, "far": box.far}[side]
    toward = rays[..., 1 if side == "far" else 0]
    with np.errstate(divide="ignore"):
        times = at / np.where(toward == 0, 1e-12, toward)
    return np.where(times > 0, times, np.inf)


def _merged(patches: list[Patch]) -> list[Patch]:
    """Overlapping patches joined until none overlap."""
    joined: list[Patch] = []
    for patch in sorted(patches):
        for k, other in enumerate(joined):
            if patch[0] < other[1] and patch[2] < other[3] and other[2] < patch[3]:
                joined[k] = (
                    min(patch[0], other[0]),
                    max(patch[1], other[1]),
                    min(patch[2], other[2]),
                    max(patch[3], other[3]),
                )
                break
        else:
            joined.append(patch)
    return joined if len(joined) == len(patches) else _merged(joined)


def _opening(side: Side, patch: Patch, box: Box, scale: float) -> Opening:
    start, end, bottom, top = (float(each * scale) for each in patch)
    bottom = 0.0 if bottom < SKIRTING_M else bottom
    kind = _kind(end - start, bottom, top)
    return Opening(kind, side, start, end, bottom, top, 0.6 if kind == "unknown" else 0.8)


def _kind(width: float, bottom: float, top: float) -> OpeningKind:
    if bottom == 0.0 and top > 1.65:
        return "door" if width < WIDEST_DOOR_M else "unknown"
    if bottom == 0.0:
        return "fireplace" if width > 0.6 and top > 0.5 else "unknown"
    return "window" if top > 1.2 else "unknown"
