"""Openings."""

from __future__ import annotations

from staging_core.backends.render.camera import Camera
from staging_core.backends.render.room import Opening

from .box_search import Box
from .camera_search import CameraFit
from .floor_map import FloorMap
from .segments import Segments


def find_openings(
    unit: Camera, box: Box, segments: Segments, fit: CameraFit, floor: FloorMap, scale: float
) -> tuple[Opening, ...]:
    return ()
