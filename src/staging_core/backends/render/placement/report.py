"""The report of a layout: each piece with its size and where its footprint lies."""

from __future__ import annotations

import msgspec
import numpy as np

from staging_core.backends.render.mesh import Placed
from staging_core.backends.render.room import Room

from .layout import Layout

Point = tuple[float, float]


class PlacedReport(msgspec.Struct, frozen=True):
    """One placed piece.

    ``class``: its kind. ``size_m``: width, depth, height. ``footprint_m``: corners on the floor in
    the room frame; ``footprint_px``: the same in pixels of the photo (empty when the camera cannot
    see all of them). For a wall piece or one on a table the footprint is taken straight below it.
    """

    kind: str = msgspec.field(name="class")
    size_m: tuple[float, float, float]
    footprint_px: tuple[Point, ...]
    footprint_m: tuple[Point, ...]
    stand: str = "floor"


def describe(room: Room, layout: Layout) -> tuple[PlacedReport, ...]:
    """The report of every placed piece, in the layout's order."""
    return tuple(_describe(room, placed) for placed in layout.placed)


def _describe(room: Room, placed: Placed) -> PlacedReport:
    corners = placed.footprint_m()
    pixels = room.camera.project(np.concatenate([corners, np.zeros((4, 1))], axis=1))
    width, depth, height = (round(v, 3) for v in placed.piece.size_m)
    return PlacedReport(
        kind=placed.piece.kind,
        size_m=(width, depth, height),
        footprint_px=_points(pixels, 1) if np.isfinite(pixels).all() else (),
        footprint_m=_points(corners, 3),
        stand=placed.piece.stand,
    )


def _points(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], digits: int
) -> tuple[Point, ...]:
    return tuple((round(float(x), digits), round(float(y), digits)) for x, y in values)
