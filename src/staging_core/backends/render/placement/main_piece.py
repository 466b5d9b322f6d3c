"""Where the main piece may stand, best first: as a stager would weigh it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from staging_core.backends.render.mesh import Piece, Placed
from staging_core.backends.render.room import Room, Side

from .floor import Floor
from .plan import Main, Plan
from .pose import Pose, grown
from .scene import Scene, side_of
from .walls import SIDES, against, openings, places, reach

SHARE = 0.36
_ISLANDS_M = (0.6, 1.2)
_OFF_WALL_M = (0.0, 0.15, 0.3)


def candidates(
    scene: Scene, plan: Plan, main: Main, piece: Piece, liking: dict[Side, float]
) -> list[tuple[float, Pose]]:
    """Poses of the main piece with their worth, best first; not yet checked against the rules.

    ``liking``: a small bonus for each wall, by which the seed makes variants differ.
    """
    poses = [pose for stand in plan.stands for pose in _poses(scene, stand, main, piece)]
    judged = []
    for pose in poses:
        placed = pose.place(piece)
        if main.around_m and not _holds(scene.floor, placed, main.around_m):
            continue
        if scene.floor.holds(placed.footprint_m()):
            bonus = liking[side_of(placed)]
            judged.append((_worth(scene.room, scene.floor, placed, main) + bonus, pose))
    return sorted(judged, key=lambda pair: (-pair[0], pair[1].x, pair[1].y, pair[1].turn))


def _poses(scene: Scene, stand: str, main: Main, piece: Piece) -> Iterator[Pose]:
    room, (width, depth, _) = scene.room, piece.size_m
    if stand == "middle":
        yield from _middle(scene)
        return
    for side in SIDES:
        for along in places(room, side, width, 0.25):
            gaps = _OFF_WALL_M if stand == "wall" else _ISLANDS_M
            yield from (against(room, side, along, depth, gap) for gap in gaps)


def _middle(scene: Scene) -> Iterator[Pose]:
    x, y = scene.floor.centre()
    for dx in np.arange(-1.2, 1.21, 0.3):
        for dy in np.arange(-1.4, 1.41, 0.28):
            for turn in (0.0, 90.0):
                yield Pose(x + float(dx), y + float(dy), turn)


def _holds(floor: Floor, placed: Placed, margin: float) -> bool:
    return floor.holds(grown(placed.footprint_m(), margin))


def _worth(room: Room, floor: Floor, placed: Placed, main: Main) -> float:
    """A stager's taste in numbers: distance, framing, turn to the viewer, room to move, focus."""
    pose = Pose(placed.x_m, placed.y_m, placed.turn_deg)
    width, depth, _ = placed.piece.size_m
    away = float(np.hypot(pose.x, pose.y))
    worth = -0.45 * abs(away - _ideal_m(room, width)) - 0.9 * _off_centre(room, pose)
    worth += 0.9 * _turned_to_viewer(pose)
    for clear, back, right in (
        (main.ahead_m, -(depth + main.ahead_m) / 2, 0.0),
        (main.aside_m, 0.0, (width + main.aside_m) / 2),
        (main.aside_m, 0.0, -(width + main.aside_m) / 2),
    ):
        if clear:
            zone = (width * 0.9, clear) if back else (clear, depth * 0.9)
            worth += 0.5 if floor.holds(_zone(pose.at(right, back), zone)) else -0.4
    if not main.around_m:
        worth += _focus(room, pose, placed) - 0.5 * _off_wall_middle(room, placed)
        worth -= 0.8 * min(_gap_behind(room, placed), 0.5)
    else:
        x, y = floor.centre()
        worth -= 0.9 * float(np.hypot(pose.x - x, pose.y - y))
    return worth


def _gap_behind(room: Room, placed: Placed) -> float:
    """Metres between a piece's back and the usable floor's edge behind it."""
    side = side_of(placed)
    return abs(
        placed.y_m - against(room, side, 0.0, placed.piece.size_m[1]).y
        if side == "far"
        else placed.x_m - against(room, side, 0.0, placed.piece.size_m[1]).x
    )


def _ideal_m(room: Room, width: float) -> float:
    """The distance at which the piece takes about a third of the picture's width."""
    share = room.camera.focal_px / room.camera.width * width / SHARE
    return float(np.clip(share, 2.6, max(2.6, min(6.5, room.far.at_m - 0.6))))


def _zone(
    pose: Pose, size: tuple[float, float]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    half_x, half_y = size[0] / 2, size[1] / 2
    corners = [
        pose.at(x, y)
        for x, y in ((-half_x, -half_y), (half_x, -half_y), (half_x, half_y), (-half_x, half_y))
    ]
    return np.array([[corner.x, corner.y] for corner in corners])


def _off_centre(room: Room, pose: Pose) -> float:
    """0 in the middle of the picture, 1 at its side."""
    pixel = room.camera.project(np.array([pose.x, pose.y, 0.3]))
    if not np.isfinite(pixel).all():
        return 2.0
    return abs(float(pixel[0]) / room.camera.width - 0.5) * 2


def _turned_to_viewer(pose: Pose) -> float:
    """1 when the front looks at the camera, 0 in profile."""
    turn = np.radians(pose.turn)
    front = np.array([np.sin(turn), -np.cos(turn)])
    away = max(float(np.hypot(pose.x, pose.y)), 1e-6)
    return float(front @ np.array([-pose.x, -pose.y]) / away)


def _off_wall_middle(room: Room, placed: Placed) -> float:
    side = side_of(placed)
    start, end = reach(room, side)
    along = placed.x_m if side == "far" else placed.y_m
    return abs(along - (start + end) / 2) / max((end - start) / 2, 0.5)


def _focus(room: Room, pose: Pose, placed: Placed) -> float:
    """A sofa looks at the fireplace; a headboard does not stand before a window."""
    side = side_of(placed)
    worth = 0.0
    for opening in openings(room):
        if opening.kind == "fireplace" and placed.piece.kind == "sofa":
            worth += -1.2 if opening.side == side else 0.8
        elif opening.side == side and placed.piece.kind == "bed":
            along = placed.x_m if side == "far" else placed.y_m
            half = placed.piece.size_m[0] / 2
            if opening.start_m < along + half and opening.end_m > along - half:
                worth -= 1.0
    return worth
