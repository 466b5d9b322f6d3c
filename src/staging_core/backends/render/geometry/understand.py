"""From a photo to an understood room, or to the reason why not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera
from staging_core.backends.render.room import NotUnderstood, Room, Wall

from .box import Box
from .box_search import search_box
from .camera_search import search_camera
from .ceiling_lines import ceiling_over
from .evidence import Evidence, weigh
from .floor_map import map_floor
from .judge import confidence_of, doubts_of, refusal
from .openings import find_openings
from .polygon import floor_polygon
from .segments import find_segments, working_picture
from .sight import Sight
from .skirting import stand_on_floor
from .wall_foot import SIDES, feet

CEILING_M = 2.55
"""Assumed height of a ceiling: sets the scale of everything when no measure is given."""
CAMERA_M = (0.65, 1.65)

Progress = Callable[[str, float], None]


def understand(
    photo: NDArray[np.uint8],
    *,
    focal_px: float | None = None,
    camera_height_m: float | None = None,
    ceiling_m: float | None = None,
    progress: Progress | None = None,
) -> Room | NotUnderstood:
    """Read a room's perspective, walls, floor and openings from one photo.

    ``photo``: (h, w, 3) sRGB. ``focal_px``: focal length in photo pixels, when EXIF or a person
    tells it. ``camera_height_m`` or ``ceiling_m``: a known measure that sets the scale.
    ``progress`` gets each phase's name and the share 0..1 done. Works at a reduced size, so that
    time does not grow with the photo; the same photo gives the same answer. Never raises for a
    picture's contents.
    """
    clock = _Clock(progress)
    height, width = photo.shape[:2]
    if min(height, width) < 64:
        return NotUnderstood("The picture is too small to show a room.", 0.0)
    picture = working_picture(photo)
    factor = max(height, width) / max(picture.shape[:2])
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    segments = find_segments(np.asarray(grey, np.uint8))
    clock.lap("segments", 0.2)
    if len(segments) < 6:
        return NotUnderstood("The picture shows too few straight lines to read a room.", 0.0)
    known = None if focal_px is None else focal_px / factor
    fit = search_camera(segments, picture.shape[1], picture.shape[0], known)
    clock.lap("camera", 0.5)
    unit = replace(fit.camera, height_m=1.0)
    lab = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), np.float32)
    sight = Sight(unit, lab, segments, fit.axis, map_floor(lab, unit))
    clock.lap("floor", 0.6)
    box, sight = search_box(sight)
    box = stand_on_floor(sight, box)
    ceiling, ceiling_cover = ceiling_over(sight, box)
    box = replace(box, ceiling=ceiling)
    clock.lap("box", 0.85)
    evidence = weigh(sight, box, ceiling_cover)
    scale = _camera_height(box, camera_height_m, ceiling_m)
    room = _room((width, height), sight, box, evidence, scale)
    clock.lap("openings", 1.0)
    room = replace(room, confidence=confidence_of(doubts_of(evidence, room)))
    room.timings_ms.update(clock.laps)
    why = refusal(evidence, room)
    if why is not None:
        return NotUnderstood(why, min(room.confidence, 0.45), room.camera, room)
    return room


@dataclass(slots=True)
class _Clock:
    progress: Progress | None
    laps: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def lap(self, phase: str, done: float) -> None:
        now = time.perf_counter()
        self.laps[phase] = round((now - self.last) * 1000, 1)
        self.last = now
        if self.progress is not None:
            self.progress(phase, done)


def _camera_height(box: Box, camera_m: float | None, ceiling_m: float | None) -> float:
    if camera_m is not None:
        return camera_m
    if ceiling_m is not None:
        return ceiling_m / (1 + box.ceiling)
    return float(np.clip(CEILING_M / (1 + box.ceiling), *CAMERA_M))


def _room(size: tuple[int, int], sight: Sight, box: Box, evidence: Evidence, scale: float) -> Room:
    width, height = size
    unit = sight.unit
    factor = max(size) / max(unit.width, unit.height)
    left, right, far = _walls(unit, box, evidence, scale)
    shown = replace(box, left=-left.at_m / scale, right=right.at_m / scale, far=far.at_m / scale)
    per_pixel = np.array([width / unit.width, height / unit.height])
    return Room(
        camera=replace(
            unit, width=width, height=height, focal_px=unit.focal_px * factor, height_m=scale
        ),
        left=left,
        right=right,
        far=far,
        ceiling_m=scale * (1 + box.ceiling),
        floor=evidence.bare,
        floor_px=floor_polygon(unit, shown.left, shown.right, shown.far) * per_pixel,
        openings=find_openings(sight, box, scale),
        confidence=0.0,
    )


def _walls(unit: Camera, box: Box, evidence: Evidence, scale: float) -> tuple[Wall, Wall, Wall]:
    seen = feet(unit, box)
    found = zip(SIDES, (box.left, box.right, box.far), evidence.reach, box.spread, strict=True)
    left, right, far = (
        _wall(at, spread, scale, seen=True)
        if side in seen
        else _wall(max(0.05, min(at, reach)), 0.0, scale, seen=False)
        for side, at, reach, spread in found
    )
    return replace(left, at_m=-left.at_m), right, far


def _wall(at: float, spread: float, scale: float, *, seen: bool) -> Wall:
    """A wall's distance in metres; half a per cent and the map's own step are never surer."""
    return Wall(at * scale, (spread + 0.005) * at * scale, seen)
