"""Rooms built by hand, whose truth is known, for the placement's tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera
from staging_core.backends.render.room import Opening, OpeningKind, Room, Side, Wall

Size = tuple[float, float]


def hand_room(
    left: float = -2.2,
    right: float = 2.2,
    far: float = 5.2,
    *,
    focal: float = 0.62,
    pitch: float = 6.0,
    yaw: float = 0.0,
    spread: float = 0.02,
    openings: tuple[Opening, ...] = (),
    confidence: float = 0.9,
    seen: bool = True,
) -> Room:
    """A box room seen from 1.4 m, by default 4.4 x 5.2 m; ``focal`` in picture widths."""
    camera = Camera(960, 640, focal * 960, pitch, 0.0, yaw)
    floor = _floor(camera, left, right, far)
    no_polygon = np.zeros((0, 2))
    west, east, north = (Wall(at, spread, seen) for at in (left, right, far))
    return Room(camera, west, east, north, 2.6, floor, no_polygon, openings, confidence)


def _floor(camera: Camera, left: float, right: float, far: float) -> NDArray[np.bool_]:
    x, y = np.meshgrid(np.arange(2, 960, 4), np.arange(2, 640, 4))
    ground = camera.on_floor(np.stack([x, y], axis=-1).astype(float))
    with np.errstate(invalid="ignore"):
        inside = (ground[..., 0] > left) & (ground[..., 0] < right) & (ground[..., 1] < far)
    return np.asarray(inside & (ground[..., 1] > 0))


def opening(kind: OpeningKind, side: Side, along: Size, bottom: float = 0.0) -> Opening:
    """A sure opening of that kind; its top is 2.05 m above the floor."""
    return Opening(kind, side, *along, bottom, 2.05, 1.0)
