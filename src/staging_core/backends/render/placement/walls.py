"""Walls as places to stand against, and the keep-outs that their openings make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from staging_core.backends.render.room import Opening, Room, Side, Wall

from .floor import NEAREST_M, wall_gap
from .pose import Points, Pose, rectangle

SIDES: tuple[Side, ...] = ("far", "left", "right")
TURN: dict[Side, float] = {"far": 0.0, "left": 90.0, "right": -90.0}
DOOR_M = 0.95
HEARTH_M = 1.2
WINDOW_M = 0.75
TALL_M = 0.95
"""A seat or a side table may stand before a low window; what is taller takes its light."""
_BELIEVED = 0.25
_WIDEST_DOOR_M = 2.6


@dataclass(frozen=True, slots=True)
class Keepout:
    """Floor that pieces taller than ``above_m`` must leave free; ``low_ok``: rugs and
    coffee tables may."""

    corners: Points
    above_m: float
    low_ok: bool


def wall_of(room: Room, side: Side) -> Wall:
    """The wall on that side."""
    return {"far": room.far, "left": room.left, "right": room.right}[side]


def against(room: Room, side: Side, along: float, depth: float, gap: float = 0.0) -> Pose:
    """The pose of a piece ``depth`` deep with its back ``gap`` metres off the usable edge."""
    away = wall_gap(wall_of(room, side)) + gap + depth / 2 + 0.005
    if side == "far":
        return Pose(along, room.far.at_m - away, TURN[side])
    x = room.left.at_m + away if side == "left" else room.right.at_m - away
    return Pose(x, along, TURN[side])


def reach(room: Room, side: Side) -> tuple[float, float]:
    """Where along it a wall starts and ends, as far as furniture may use it."""
    if side == "far":
        return room.left.at_m + wall_gap(room.left), room.right.at_m - wall_gap(room.right)
    return NEAREST_M, room.far.at_m - wall_gap(room.far)


def places(room: Room, side: Side, width: float, step: float = 0.15) -> Iterator[float]:
    """Positions along a wall where something ``width`` wide fits between its neighbours."""
    start, end = reach(room, side)
    low, high = start + width / 2, end - width / 2
    if high < low:
        return
    for along in np.linspace(low, high, max(2, int((high - low) / step) + 1)):
        yield float(along)


def openings(room: Room, side: Side | None = None) -> tuple[Opening, ...]:
    """The openings worth respecting, of one wall or all."""
    return tuple(o for o in room.openings if o.confidence >= _BELIEVED and side in (None, o.side))


def is_door(opening: Opening) -> bool:
    """Doors, and unknown things no wider than a double door that reach the floor."""
    narrow = opening.end_m - opening.start_m < _WIDEST_DOOR_M
    low = opening.bottom_m < 0.25
    return opening.kind == "door" or (opening.kind == "unknown" and low and narrow)


def keepouts(room: Room, *, beside_door_m: float = DOOR_M) -> tuple[Keepout, ...]:
    """The floor before doors, windows and fireplaces that must stay free.

    ``beside_door_m``: how far a door's keep-out reaches left and right of it; its leaf itself
    sweeps no floor there, but people pass.
    """
    return tuple(_keepout(room, opening, beside_door_m) for opening in openings(room))


def _keepout(room: Room, opening: Opening, beside_door: float) -> Keepout:
    error = wall_of(room, opening.side).spread_m
    if is_door(opening):
        return Keepout(_before(room, opening, beside_door, DOOR_M + error), 0.0, low_ok=False)
    if opening.kind == "fireplace":
        return Keepout(_before(room, opening, 0.15, HEARTH_M), 0.5, low_ok=True)
    free_above = max(opening.bottom_m, TALL_M)
    return Keepout(_before(room, opening, 0.05, WINDOW_M + error), free_above, low_ok=True)


def _before(room: Room, opening: Opening, beside: float, depth: float) -> Points:
    low, high = opening.start_m - beside, opening.end_m + beside
    if opening.side == "far":
        return rectangle(low, high, room.far.at_m - depth, room.far.at_m + 1)
    if opening.side == "left":
        return rectangle(room.left.at_m - 1, room.left.at_m + depth, low, high)
    return rectangle(room.right.at_m - depth, room.right.at_m + 1, low, high)
