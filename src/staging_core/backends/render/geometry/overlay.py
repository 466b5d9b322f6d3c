"""The picture that shows what was understood of a room, or why it was refused."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera, Floats
from staging_core.backends.render.room import NotUnderstood, Opening, Room

from .wall_foot import picture_line

Colour = tuple[int, int, int]
LINE: Colour = (255, 255, 255)
FLOOR: Colour = (64, 200, 150)
HORIZON: Colour = (255, 196, 64)
REFUSED: Colour = (224, 80, 72)
OPENING: dict[str, Colour] = {
    "door": (255, 150, 60),
    "window": (90, 170, 255),
    "fireplace": (235, 90, 90),
    "unknown": (190, 140, 255),
}
LONG_PX = 1600


def draw(photo: NDArray[np.uint8], outcome: Room | NotUnderstood) -> NDArray[np.uint8]:
    """The photo (at most 1600 px) with room lines, floor, openings and horizon drawn on it.

    What is in the way on the floor is red; after a refusal all of it is, and the reason stands
    below.
    """
    factor = min(1.0, LONG_PX / max(photo.shape[:2]))
    size = (round(photo.shape[1] * factor), round(photo.shape[0] * factor))
    picture = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8).copy()
    refused = isinstance(outcome, NotUnderstood)
    room = outcome.room if isinstance(outcome, NotUnderstood) else outcome
    if room is not None:
        _tint_floor(picture, room, refused, factor)
        _room_lines(picture, room, factor)
        for opening in room.openings:
            _opening(picture, room, opening, factor)
        _horizon(picture, room.camera.scaled(factor))
    return _captioned(picture, outcome, room)


def _tint_floor(picture: NDArray[np.uint8], room: Room, refused: bool, factor: float) -> None:
    height, width = picture.shape[:2]
    outline = np.zeros((height, width), np.uint8)
    if len(room.floor_px) >= 3:
        cv2.fillPoly(outline, [_pixels(room.floor_px * factor)], 1)
    bare = cv2.resize(room.floor.astype(np.uint8), (width, height)) > 0
    _blend(picture, (outline > 0) & bare, REFUSED if refused else FLOOR, 0.30)
    _blend(picture, (outline > 0) & ~bare, REFUSED, 0.45)


def _blend(
    picture: NDArray[np.uint8], mask: NDArray[np.bool_], colour: Colour, share: float
) -> None:
    mixed = picture[mask] * (1 - share) + np.array(colour) * share
    picture[mask] = mixed.astype(np.uint8)


def _room_lines(picture: NDArray[np.uint8], room: Room, factor: float) -> None:
    camera = room.camera.scaled(factor)
    left, right, far, top = room.left.at_m, room.right.at_m, room.far.at_m, room.ceiling_m
    near = -2.0 * camera.height_m
    for wall, x in ((room.left, left), (room.right, right)):
        for z in (0.0, top):
            if wall.seen:
                _line(picture, camera, (x, near, z), (x, far, z), LINE)
        if wall.seen and room.far.seen:
            _line(picture, camera, (x, far, 0.0), (x, far, top), LINE)
    if room.far.seen:
        for z in (0.0, top):
            _line(picture, camera, (left, far, z), (right, far, z), LINE)


def _opening(picture: NDArray[np.uint8], room: Room, opening: Opening, factor: float) -> None:
    camera = room.camera.scaled(factor)
    spans = [
        (opening.start_m, opening.bottom_m),
        (opening.end_m, opening.bottom_m),
        (opening.end_m, opening.top_m),
        (opening.start_m, opening.top_m),
    ]
    walls = {"left": room.left.at_m, "right": room.right.at_m, "far": room.far.at_m}
    at = walls[opening.side]
    corners = [(a, at, z) if opening.side == "far" else (at, a, z) for a, z in spans]
    for k, corner in enumerate(corners):
        _line(picture, camera, corners[k - 1], corner, OPENING[opening.kind])


def _horizon(picture: NDArray[np.uint8], camera: Camera) -> None:
    yaw = np.radians(camera.yaw_deg)
    middle = np.array([np.sin(yaw), np.cos(yaw), 0.0]) * 1e4
    across = np.array([np.cos(yaw), -np.sin(yaw), 0.0]) * 1e4
    lift = np.array([0.0, 0.0, camera.height_m])
    line = picture_line(camera, np.stack([middle - 3 * across, middle + 3 * across]) + lift)
    if line is None:
        return
    steps = np.linspace(0, 1, 81)[:, None] * (line[1] - line[0]) + line[0]
    for first, last in zip(steps[:-1:2], steps[1::2], strict=True):
        cv2.line(picture, *_ends(first, last), HORIZON, _thick(picture), cv2.LINE_AA)


def _line(
    picture: NDArray[np.uint8],
    camera: Camera,
    first: tuple[float, float, float],
    last: tuple[float, float, float],
    colour: Colour,
) -> None:
    line = picture_line(camera, np.array([first, last]), shortest=2.0)
    if line is None:
        return
    thick = _thick(picture)
    cv2.line(picture, *_ends(*line), (20, 24, 28), thick + 2, cv2.LINE_AA)
    cv2.line(picture, *_ends(*line), colour, thick, cv2.LINE_AA)


def _ends(first: Floats, last: Floats) -> tuple[tuple[int, int], tuple[int, int]]:
    (x0, y0), (x1, y1) = np.round([first, last]).astype(int)
    return (int(x0), int(y0)), (int(x1), int(y1))


def _pixels(polygon: Floats) -> NDArray[np.int32]:
    return np.round(polygon).astype(np.int32)


def _thick(picture: NDArray[np.uint8]) -> int:
    height, width = picture.shape[:2]
    return max(1, int(max(height, width)) // 550)


def _captioned(
    picture: NDArray[np.uint8], outcome: Room | NotUnderstood, room: Room | None
) -> NDArray[np.uint8]:
    """The picture with a bar below that says what was found."""
    width = picture.shape[1]
    scale = max(0.38, width / 1900)
    step = round(30 * scale) + 8
    lines = _wrapped(_caption(outcome, room), round(width / (17.5 * scale)))
    bar = np.full((step * len(lines) + step // 2, width, 3), (24, 28, 32), np.uint8)
    colour = REFUSED if isinstance(outcome, NotUnderstood) else FLOOR
    bar[:, : max(3, width // 200)] = colour
    for row, text in enumerate(lines):
        place = (max(10, width // 60), round(step * (row + 0.95)))
        cv2.putText(bar, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, LINE, 1, cv2.LINE_AA)
    return np.concatenate([picture, bar])


def _caption(outcome: Room | NotUnderstood, room: Room | None) -> str:
    if isinstance(outcome, NotUnderstood):
        return f"Not furnished: {outcome.reason}"
    width, depth, height = outcome.size_m
    camera = outcome.camera
    return (
        f"{width:.1f} x {depth:.1f} m, {height:.2f} m high - focal {camera.focal_px:.0f} px, "
        f"pitch {camera.pitch_deg:+.1f}, roll {camera.roll_deg:+.1f}, "
        f"yaw {camera.yaw_deg:+.1f} deg - "
        f"confidence {outcome.confidence:.0%}"
    )


def _wrapped(text: str, most: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) + 1 > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
