"""Convex polygons of the picture and of the floor."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.camera import Camera, Floats

BEHIND = -2.0
"""Where the drawn floor ends behind the camera's foot, in camera heights."""


def floor_polygon(unit: Camera, left: float, right: float, far: float) -> Floats:
    """Corners (n, 2) in pixels of the part of a box's floor that is in the frame; may be empty."""
    corners = np.array(
        [[-left, BEHIND, 0.0], [-left, far, 0.0], [right, far, 0.0], [right, BEHIND, 0.0]]
    )
    forward = unit.rotation()[2]
    depth = (corners - np.array([0.0, 0.0, unit.height_m])) @ forward
    before = _cut(corners, depth - 0.05)
    if len(before) < 3:
        return np.zeros((0, 2))
    pixels = unit.project(before)
    for axis, limit in ((0, unit.width), (1, unit.height)):
        pixels = _cut(pixels, pixels[:, axis])
        pixels = _cut(pixels, limit - pixels[:, axis])
    return pixels


def _cut(points: Floats, distance: Floats) -> Floats:
    """Sutherland-Hodgman: the part of a polygon whose signed distance is not negative."""
    kept = []
    for i, here in enumerate(distance):
        before = distance[i - 1]
        if (here >= 0) != (before >= 0):
            share = before / (before - here)
            kept.append(points[i - 1] + share * (points[i] - points[i - 1]))
        if here >= 0:
            kept.append(points[i])
    return np.array(kept) if kept else np.zeros((0, points.shape[1]))
