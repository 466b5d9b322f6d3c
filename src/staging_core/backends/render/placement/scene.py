"""A room being furnished: what stands where already, and whether one more piece may."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..furniture.catalogue import build
from ..furniture.style import Look
from ..mesh import Piece, Placed
from ..room import Room, Side
from .floor import Floor, usable_floor
from .pose import Points, grown, overlap
from .view import Outline, outline
from .walls import Keepout, keepouts, openings, wall_of

EYE_M = 1.5
_NEAR_M = {"rug": 0.9, "round_rug": 0.9}
_NEAREST_M = 1.3
_FLAT_M = 0.05
_SEES_M = 0.3


@dataclass(frozen=True, slots=True)
class Limits:
    """How strictly a piece is judged.

    ``gap_m`` to every other piece; ``inside``: share of its outline in the picture; ``hides``: share
    of the main piece it may cover; ``through``: kinds it may overlap (a chair under its table).
    """

    gap_m: float = 0.03
    inside: float = 0.9
    hides: float = 0.12
    through: tuple[str, ...] = ()


@dataclass(slots=True)
class Scene:
    """A room, its free floor and the pieces placed so far; the first is the main piece."""

    room: Room
    look: Look
    floor: Floor
    keepouts: tuple[Keepout, ...]
    placed: list[Placed] = field(default_factory=list)
    outlines: list[Outline] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, room: Room, look: Look) -> Scene:
        """The empty room."""
        return cls(room, look, usable_floor(room), keepouts(room))

    def fresh(self) -> Scene:
        """The same room with nothing in it."""
        return replace(self, placed=[], outlines=[], weights=[])

    def piece(self, kind: str, size: tuple[float, ...] = ()) -> Piece:
        """A piece in the room's look."""
        return build(kind, self.look, size)

    @property
    def main(self) -> Placed:
        """The piece that the room is about."""
        return self.placed[0]

    def last(self, kind: str) -> Placed | None:
        """The piece of that kind placed last."""
        found = (placed for placed in reversed(self.placed) if placed.piece.kind == kind)
        return next(found, None)

    def add(self, placed: Placed, limits: Limits, weight: float) -> bool:
        """Place the piece when it may stand there; says whether it does."""
        seen = self._sight(placed, limits)
        if seen is None or not self._stands(placed, limits):
            return False
        self.placed.append(placed)
        self.outlines.append(seen)
        self.weights.append(weight)
        return True

    def _stands(self, placed: Placed, limits: Limits) -> bool:
        stand = placed.piece.stand
        if stand == "top":
            return True
        if stand == "wall":
            return self._hangs(placed)
        corners = placed.footprint_m()
        return (
            self.floor.holds(corners)
            and self._keeps_out(placed, corners)
            and self._free(placed, corners, limits)
        )

    def _sight(self, placed: Placed, limits: Limits) -> Outline | None:
        """Its outline when the picture shows it as it should."""
        seen = outline(self.room.camera, placed)
        if seen is None or seen.inside < limits.inside:
            return None
        if seen.distance_m < _NEAR_M.get(placed.piece.kind, _NEAREST_M):
            return None
        if self.placed and placed.piece.size_m[2] > _FLAT_M:
            main = self.outlines[0]
            nearer = seen.distance_m < main.distance_m or _depth(placed) < _depth(self.main)
            if nearer and seen.covers(main) > limits.hides:
                return None
        return seen

    def _keeps_out(self, placed: Placed, corners: Points) -> bool:
        height = placed.piece.size_m[2]
        soft = height <= _FLAT_M or placed.piece.kind == "coffee_table"
        return not any(
            height > keepout.above_m
            and not (soft and keepout.rug_ok)
            and overlap(corners, keepout.corners)
            for keepout in self.keepouts
        )

    def _free(self, placed: Placed, corners: Points, limits: Limits) -> bool:
        rug = placed.piece.stand == "rug"
        wide = grown(corners, limits.gap_m)
        for other in self.placed:
            stand = other.piece.stand
            if stand in ("top", "wall") or (stand == "rug") != rug:
                continue
            if other.piece.kind not in limits.through and overlap(wide, other.footprint_m()):
                return False
        return True

    def _hangs(self, placed: Placed) -> bool:
        """Wall pieces: on a seen wall, clear of openings, of each other and of what stands before."""
        side = side_of(placed)
        wall = wall_of(self.room, side)
        low, high = _span(placed, side)
        bottom, top = placed.z_m, placed.z_m + placed.piece.size_m[2]
        if not wall.seen or wall.spread_m > _SEES_M or top > self.room.ceiling_m - 0.12:
            return False
        if any(
            low - 0.1 < o.end_m and high + 0.1 > o.start_m and bottom - 0.1 < o.top_m and top + 0.1 > o.bottom_m
            for o in openings(self.room, side)
        ):
            return False
        return not any(self._in_front(other, side, low, high, bottom) for other in self.placed)

    def _in_front(self, other: Placed, side: Side, low: float, high: float, bottom: float) -> bool:
        """Whether ``other`` hangs in the same place or stands close before it and reaches up to it."""
        if other.piece.stand == "wall" and side_of(other) != side:
            return False
        start, end = _span(other, side)
        if start > high + 0.05 or end < low - 0.05:
            return False
        if other.piece.stand == "wall":
            return True
        close = abs(_away(self.room, other, side)) < 0.7
        return close and other.z_m + other.piece.size_m[2] > bottom - 0.02


def side_of(placed: Placed) -> Side:
    """The wall whose plane a piece's back faces."""
    turn = (placed.turn_deg + 180) % 360 - 180
    if abs(turn) <= 45:
        return "far"
    return "left" if turn > 0 else "right"


def _depth(placed: Placed) -> float:
    return float(np.hypot(placed.x_m, placed.y_m))


def _span(placed: Placed, side: Side) -> tuple[float, float]:
    """Where a piece lies along a wall."""
    along = placed.footprint_m()[:, 0 if side == "far" else 1]
    return float(along.min()), float(along.max())


def _away(room: Room, placed: Placed, side: Side) -> float:
    """Metres between a wall and the nearest point of a footprint."""
    corners = placed.footprint_m()
    if side == "far":
        return float(room.far.at_m - corners[:, 1].max())
    if side == "left":
        return float(corners[:, 0].min() - room.left.at_m)
    return float(room.right.at_m - corners[:, 0].max())
