"""Spots: where a template wants a piece, said relative to another piece or to the room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from staging_core.backends.render.mesh import Piece, Placed
from staging_core.backends.render.room import Side

from .floor import wall_gap
from .pose import Pose, pose_of
from .scene import EYE_M, USUAL, Limits, Scene, side_of, surface_m
from .walls import SIDES, TURN, against, places, reach, wall_of

Size = tuple[float, ...]

_LOOSE_M = 0.4
"""A wall less certain than this is none to put a cabinet against: it would stand in the room."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A wish for a piece.

    ``kind`` in one of ``sizes`` (large first), in ``relation`` to the last placed piece of kind
    ``of`` (the main piece when empty), ``gap_m`` away, to its left (-1), right (1) or either (0).
    ``weight`` is what it adds to a layout's worth; ``chance``: share of seeds that wish for it;
    ``share`` > 0: fill all places of the relation, not only the first that is free, and none when
    less than this share of them is.
    """

    kind: str
    relation: str
    sizes: tuple[Size, ...] = ((),)
    of: str = ""
    gap_m: float = 0.0
    side: int = 0
    weight: float = 1.0
    chance: float = 1.0
    share: float = 0.0
    limits: Limits = USUAL


def fill(scene: Scene, spot: Spot, random: np.random.Generator) -> int:
    """Place what the spot wishes, in the largest size that fits; returns how many were placed."""
    anchor = scene.last(spot.of) if spot.of else scene.main
    if anchor is None:
        return 0
    for size in spot.sizes:
        piece = scene.piece(spot.kind, size)
        poses = RELATIONS[spot.relation](scene, spot, piece, anchor, random)
        count = (_fill_all if spot.share else _fill_one)(scene, spot, piece, poses)
        if count:
            return count
    return 0


def _fill_one(scene: Scene, spot: Spot, piece: Piece, poses: Iterator[Pose]) -> int:
    """Fill the first pose that is free."""
    return int(any(scene.add(pose.place(piece), spot.limits, spot.weight) for pose in poses))


def _fill_all(scene: Scene, spot: Spot, piece: Piece, poses: Iterator[Pose]) -> int:
    """Fill all poses that are free, or none when too few are."""
    before = list(scene.stood)
    placed = [scene.add(pose.place(piece), spot.limits, spot.weight) for pose in poses]
    if sum(placed) < spot.share * len(placed):
        scene.stood = before
        return 0
    return sum(placed)


def _sides(spot: Spot, random: np.random.Generator) -> tuple[int, ...]:
    """The sides to try: the one wished for, or both in an order that the seed decides."""
    if spot.side:
        return (spot.side,)
    return (1, -1) if random.uniform() < 0.5 else (-1, 1)


def _before(
    scene: Scene, spot: Spot, piece: Piece, anchor: Placed, random: np.random.Generator
) -> Iterator[Pose]:
    """In front of the anchor: ``gap_m`` from its front edge to the piece's back edge."""
    forward = (anchor.piece.size_m[1] + piece.size_m[1]) / 2 + spot.gap_m
    for shift in (0.0, 0.08, -0.08, 0.2, -0.2):
        yield pose_of(anchor).at(shift, -forward)


def _under(
    scene: Scene, spot: Spot, piece: Piece, anchor: Placed, random: np.random.Generator
) -> Iterator[Pose]:
    """A rug that sticks out ``gap_m`` beyond the anchor's front edge, the rest under it."""
    forward = anchor.piece.size_m[1] / 2 + spot.gap_m - piece.size_m[1] / 2
    for shift in (0.0, 0.1, -0.1, 0.25, -0.25):
        for back in (0.0, 0.12, 0.25):
            yield pose_of(anchor).at(shift, -forward + back)


def _centred(
    scene: Scene, spot: Spot, piece: Piece, anchor: Placed, random: np.random.Generator
) -> Iterator[Pose]:
    """Under the middle of the anchor."""
    for shift in (0.0, 0.1, -0.1):
        for back in (0.0, 0.1, -0.1):
            yield pose_of(anchor).at(shift, back)


def _beside(
    scene: Scene, spot: Spot, piece: Piece, anchor: Placed, random: np.random.Generator
) -> Iterator[Pose]:
    """Left or right of the anchor, backs in one line."""
    aside = (anchor.piece.size_m[0] + piece.size_m[0]) / 2 + spot.gap_m
    back = (anchor.piece.size_m[1] - piece.size_m[1]) / 2 - 0.005
    for side in _sides(spot, random):
        for more in (0.0, 0.06, 0.14):
            yield pose_of(anchor).at(side * (aside + more), back)


def _facing(
    scene: Scene, spot: Spot, piece: Piece, anchor: Placed, random: np.random.Generator
) -> Iterator[Pose]:
    """Around the middle of a coffee table and turned towards it, beside or opposite the sofa."""
    table = scene.last("coffee_table") or anchor
    middle = Pose(table.x_m, table.y_m, scene.main.turn_deg)
    half = max(table.piece.size_m[0] / 2, 0.4)
    for side in _far_side_first(middle, spot, random):
        for angle in (78, 92, 62, 105, 48, 118):
            for reach_m in (0.42, 0.55, 0.75):
                radius = half + reach_m + piece.size_m[1] / 2
                right, back = side * np.sin(np.radians(angle)), -np.cos(np.radians(angle))
                turn = 180 + side * angle + float(random.uniform(-8, 8))
                yield middle.at(radius * float(right), radius * float(back), turn)


def _far_side_first(pose: Pose, spot: Spot, random: np.random.Generator) -> tuple[int, ...]:
    """Sides of a pose, the one clearly further from the viewer first, lest it see backs."""
    far = [float(np.hypot(pose.at(side, 0.0).x, pose.at(side, 0.0).y)) for side in (1, -1)]
    if spot.side or abs(far[0] - far[1]) < 0.5:
        return _sides(spot, random)
    return (1, -1) if far[0] > far[1] else (-1, 1)


def _around(
    scene: Scene, spot: Spot, piece: Piece, anchor: Placed, random: np.random.Generator
) -> Iterator[Pose]:
    """Chairs at a dining table, pushed under it a little, each turned by a hand's breadth."""
    length, depth, _ = anchor.piece.size_m
    round_one = abs(length - depth) < 0.05 and length < 1.5
    seats = _round_seats(length) if round_one else _long_seats(length)
    for x, y in seats:
        angle = float(np.degrees(np.arctan2(x, y)))
        if round_one:
            out = length / 2 + piece.size_m[1] / 2 - spot.gap_m
            at = (float(np.sin(np.radians(angle))) * out, float(np.cos(np.radians(angle))) * out)
        elif y:
            at = (x, y * (depth / 2 + piece.size_m[1] / 2 - spot.gap_m))
        else:
            at = (x * (length / 2 + piece.size_m[1] / 2 - spot.gap_m), 0.0)
        turn = -angle if round_one else (0.0 if y > 0 else 180.0 if y < 0 else -90.0 * x)
        yield pose_of(anchor).at(*at, turn + float(random.uniform(-3, 3)))


def _round_seats(diameter: float) -> list[tuple[float, float]]:
    count = 2 if diameter < 0.95 else 4 if diameter < 1.3 else 6
    start = 90.0 if count == 2 else 45.0
    angles = np.radians(start + 360 / count * np.arange(count))
    return [(float(np.sin(a)), float(np.cos(a))) for a in angles]


def _long_seats(length: float) -> list[tuple[float, float]]:
    """Seats as (x, y): y -1 or 1 at the long sides, else x -1 or 1 at the ends."""
    row = max(1, int((length - 0.1) / 0.62))
    xs = (np.arange(row) - (row - 1) / 2) * min(0.72, (length - 0.25) / row)
    seats = [(float(x), y) for y in (1.0, -1.0) for x in xs]
    return [*seats, (-1.0, 0.0), (1.0, 0.0)] if length >= 1.75 else seats


def _over(
    scene: Scene, spot: Spot, piece: Piece, anchor: Placed, random: np.random.Generator
) -> Iterator[Pose]:
    """On the wall over the anchor, its middle at eye height or 0.2 m clear of the anchor's top."""
    side = side_of(anchor)
    bottom = max(EYE_M - piece.size_m[2] / 2, surface_m(anchor.piece) + 0.18)
    along = anchor.x_m if side == "far" else anchor.y_m
    for shift in (0.0, 0.15, -0.15, 0.3, -0.3):
        yield on_wall(scene, side, along + shift, bottom)


def on_wall(scene: Scene, side: Side, along: float, bottom: float) -> Pose:
    """The pose of a wall piece on the estimated wall, 5 mm proud of it."""
    at = wall_of(scene.room, side).at_m
    x, y = (
        (along, at - 0.005)
        if side == "far"
        else (at + (0.005 if side == "left" else -0.005), along)
    )
    return Pose(x, y, TURN[side], bottom)


def _hung(
    scene: Scene, spot: Spot, piece: Piece, anchor: Placed, random: np.random.Generator
) -> Iterator[Pose]:
    """Anywhere on a wall at eye height, nearest the middle first."""
    for side in sorted(SIDES, key=lambda _: float(random.uniform())):
        start, end = reach(scene.room, side)
        middle = (start + end) / 2
        for along in sorted(
            places(scene.room, side, piece.size_m[0]), key=lambda a: abs(a - middle)
        ):
            yield on_wall(scene, side, along, EYE_M - piece.size_m[2] / 2)


def _on(
    scene: Scene, spot: Spot, piece: Piece, anchor: Placed, random: np.random.Generator
) -> Iterator[Pose]:
    """On top of the anchor."""
    pose = pose_of(anchor).at(0.0, 0.02)
    yield Pose(pose.x, pose.y, pose.turn, surface_m(anchor.piece))


def _corner(
    scene: Scene, spot: Spot, piece: Piece, anchor: Placed, random: np.random.Generator
) -> Iterator[Pose]:
    """In a far corner of the free floor, then along the side walls towards the viewer."""
    half = max(piece.size_m[:2]) / 2 + 0.02
    for side in _sides(spot, random):
        wall: Side = "right" if side > 0 else "left"
        start, end = reach(scene.room, wall)
        x = against(scene.room, wall, 0.0, 2 * half, spot.gap_m).x
        for back in (0.0, 0.15, 0.35, 0.7, 1.1, 1.6):
            y = end - half - 0.02 - back
            if y > start:
                yield Pose(x, y, 90.0 * int(random.integers(4)) if piece.kind == "plant" else 0.0)


def _wall(
    scene: Scene, spot: Spot, piece: Piece, anchor: Placed, random: np.random.Generator
) -> Iterator[Pose]:
    """Against a wall, the one opposite the anchor first and never the one behind sofa or bed."""
    back = side_of(anchor)
    opposite = {"left": "right", "right": "left", "far": "far"}[back]
    behind = back if scene.main.piece.kind in ("sofa", "bed") else None
    walls = [
        side for side in SIDES if side != behind and wall_gap(wall_of(scene.room, side)) <= _LOOSE_M
    ]
    order = sorted(
        walls, key=lambda side: (side != opposite, side == back, float(random.uniform()))
    )
    for side in order:
        start, end = reach(scene.room, side)
        middle = anchor.y_m if side == opposite != "far" else (start + end) / 2
        for along in sorted(
            places(scene.room, side, piece.size_m[0], 0.25), key=lambda a: abs(a - middle)
        ):
            yield against(scene.room, side, along, piece.size_m[1], spot.gap_m)


Relation = Callable[[Scene, Spot, Piece, Placed, np.random.Generator], Iterator[Pose]]

RELATIONS: dict[str, Relation] = {
    "around": _around,
    "before": _before,
    "beside": _beside,
    "centred": _centred,
    "corner": _corner,
    "facing": _facing,
    "hung": _hung,
    "on": _on,
    "over": _over,
    "under": _under,
    "wall": _wall,
}
