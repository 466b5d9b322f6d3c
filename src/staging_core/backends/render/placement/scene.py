"""A room being furnished: what stands where already, and whether one more piece may."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from staging_core.backends.render.furniture.catalogue import build
from staging_core.backends.render.furniture.style import Look
from staging_core.backends.render.mesh import Piece, Placed
from staging_core.backends.render.room import Room, Side

from .floor import Floor, usable_floor
from .pose import Points, grown, overlap
from .view import Outline, View
from .walls import Keepout, keepouts, openings, wall_of

EYE_M = 1.5
BED_HEAD_M, BED_BODY_M = 0.75, 0.62
_RUG_M = 0.9
_FLAT_M = 0.05
_TOPS_M = {
    "console": 0.80,
    "dining_table": 0.75,
    "dresser": 0.80,
    "media_unit": 0.50,
    "sideboard": 0.78,
}
_SEES_M = 0.3


@dataclass(frozen=True, slots=True)
class Limits:
    """How strictly a piece is judged.

    ``gap_m`` to every other piece; ``inside``: share of its outline in the picture; ``hides``:
    share of the main piece it may cover; ``through``: kinds it may overlap (a chair under its
    table); ``before_window``: it may stand before a window taller than the sill; ``fore``: a tall
    piece is at least this share of the main piece's distance away; ``near_m``: and this far from
    the camera.
    """

    gap_m: float = 0.03
    inside: float = 0.9
    hides: float = 0.12
    through: tuple[str, ...] = ()
    before_window: bool = False
    fore: float = 0.62
    near_m: float = 1.3


USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Stood:
    """A placed piece with what later pieces ask about it."""

    placed: Placed
    outline: Outline
    footprint: Points
    weight: float


@dataclass(slots=True)
class Scene:
    """A room, its free floor and the pieces placed so far; the first is the main piece."""

    room: Room
    look: Look
    floor: Floor
    keepouts: tuple[Keepout, ...]
    view: View
    stood: list[Stood] = field(default_factory=list)

    @classmethod
    def of(cls, room: Room, look: Look) -> Scene:
        """The empty room."""
        return cls(room, look, usable_floor(room), keepouts(room), View(room.camera))

    def with_doors(self, beside_door_m: float) -> Scene:
        """The room with nothing in it, its doors kept free so far to either side."""
        doors = keepouts(self.room, beside_door_m=beside_door_m)
        return replace(self.bare(), keepouts=doors)

    def bare(self) -> Scene:
        """The same room and rules with nothing in it."""
        return replace(self, stood=[])

    @property
    def placed(self) -> tuple[Placed, ...]:
        """All pieces, the main piece first."""
        return tuple(one.placed for one in self.stood)

    def piece(self, kind: str, size: tuple[float, ...] = ()) -> Piece:
        """A piece in the room's look."""
        return build(kind, self.look, size)

    @property
    def main(self) -> Placed:
        """The piece that the room is about."""
        return self.stood[0].placed

    def last(self, kind: str) -> Placed | None:
        """The piece of that kind placed last."""
        found = (one.placed for one in reversed(self.stood) if one.placed.piece.kind == kind)
        return next(found, None)

    def add(self, placed: Placed, limits: Limits, weight: float) -> bool:
        """Place the piece when it may stand there; says whether it does."""
        seen = self._sight(placed, limits) if self._stands(placed, limits) else None
        if seen is None:
            return False
        self.stood.append(Stood(placed, seen, placed.footprint_m(), weight))
        return True

    def remove(self, index: int) -> None:
        """Take a piece away, and what stands on it."""
        gone = self.stood.pop(index).placed
        self.stood = [one for one in self.stood if not _on_top(one.placed, gone)]

    def _stands(self, placed: Placed, limits: Limits) -> bool:
        stand = placed.piece.stand
        if stand == "top":
            return True
        if stand == "wall":
            return self._hangs(placed)
        corners = placed.footprint_m()
        return (
            self.floor.holds(corners)
            and self._keeps_out(placed, limits)
            and self._free(placed, corners, limits)
        )

    def _sight(self, placed: Placed, limits: Limits) -> Outline | None:
        """Its outline when the picture shows it as it should."""
        seen = self.view.outline(placed)
        if seen is None or seen.inside < limits.inside:
            return None
        if seen.distance_m < self._nearest(placed, limits):
            return None
        if self.stood and placed.piece.size_m[2] > _FLAT_M:
            main = self.stood[0].outline
            nearer = seen.distance_m < main.distance_m or _depth(placed) < _depth(self.main)
            if nearer and seen.covers(main) > limits.hides:
                return None
        return seen

    def _nearest(self, placed: Placed, limits: Limits) -> float:
        """How near the camera a piece may come; tall ones stay behind the main piece's front."""
        if placed.piece.stand == "rug":
            return _RUG_M
        if not self.stood or placed.piece.size_m[2] < 0.55:
            return limits.near_m
        return max(limits.near_m, limits.fore * self.stood[0].outline.distance_m)

    def _keeps_out(self, placed: Placed, limits: Limits) -> bool:
        """Clear of doors, and nothing tall before windows and fireplaces."""
        soft = placed.piece.size_m[2] <= _FLAT_M or placed.piece.kind == "coffee_table"
        return not any(
            height > keepout.above_m
            and not (keepout.low_ok and (soft or limits.before_window))
            and overlap(corners, keepout.corners)
            for corners, height in profile(placed)
            for keepout in self.keepouts
        )

    def _free(self, placed: Placed, corners: Points, limits: Limits) -> bool:
        rug = placed.piece.stand == "rug"
        wide = grown(corners, limits.gap_m)
        for other in self.stood:
            piece = other.placed.piece
            if piece.stand in ("top", "wall") or (piece.stand == "rug") != rug:
                continue
            if piece.kind not in limits.through and overlap(wide, other.footprint):
                return False
        return True

    def _hangs(self, placed: Placed) -> bool:
        """On a seen wall, clear of openings, of other wall pieces and of what stands before."""
        side = side_of(placed)
        wall = wall_of(self.room, side)
        low, high = _span(placed, side)
        bottom, top = placed.z_m, placed.z_m + placed.piece.size_m[2]
        if not wall.seen or wall.spread_m > _SEES_M or top > self.room.ceiling_m - 0.12:
            return False
        if any(
            low - 0.1 < o.end_m
            and high + 0.1 > o.start_m
            and bottom - 0.1 < o.top_m
            and top + 0.1 > o.bottom_m
            for o in openings(self.room, side)
        ):
            return False
        return not any(self._in_front(other, side, low, high, bottom) for other in self.placed)

    def _in_front(self, other: Placed, side: Side, low: float, high: float, bottom: float) -> bool:
        """Whether ``other`` hangs in the same place or stands before it and reaches up to it."""
        if other.piece.stand == "wall" and side_of(other) != side:
            return False
        start, end = _span(other, side)
        if start > high + 0.05 or end < low - 0.05:
            return False
        if other.piece.stand == "wall":
            return True
        close = abs(_away(self.room, other, side)) < 0.7
        return close and other.z_m + surface_m(other.piece) > bottom - 0.02


def surface_m(piece: Piece) -> float:
    """The height of a piece's top, without what is put on it."""
    return min(piece.size_m[2], _TOPS_M.get(piece.kind, piece.size_m[2]))


def profile(placed: Placed) -> tuple[tuple[Points, float], ...]:
    """Footprints with the height above each; a bed is tall at its head only."""
    corners = placed.footprint_m()
    if placed.piece.kind != "bed":
        return ((corners, placed.piece.size_m[2]),)
    share = BED_HEAD_M / placed.piece.size_m[1]
    near, far = corners[[0, 1]], corners[[2, 3]]
    left, right = far[1] + (near[0] - far[1]) * share, far[0] + (near[1] - far[0]) * share
    head = np.array([left, right, far[0], far[1]])
    return ((corners, BED_BODY_M), (head, placed.piece.size_m[2]))


def side_of(placed: Placed) -> Side:
    """The wall whose plane a piece's back faces."""
    turn = (placed.turn_deg + 180) % 360 - 180
    if abs(turn) <= 45:
        return "far"
    return "left" if turn > 0 else "right"


def _on_top(one: Placed, other: Placed) -> bool:
    near = float(np.hypot(one.x_m - other.x_m, one.y_m - other.y_m)) < 0.1
    return one.piece.stand == "top" and near


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
