"""Where a photographer stands in a synthetic room, and which doors and windows its walls have."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.camera import Camera
from staging_core.backends.render.room import Opening, Side

from .box import Box

SIDES: tuple[Side, ...] = ("left", "right", "far")


def draw_layout(rng: np.random.Generator, width: int, height: int) -> tuple[Camera, Box]:
    """A camera and a box such that the picture shows a usable floor and an edge between two walls.

    Field of view 52-98 degrees, pitch -4..12, roll +-2, yaw +-44, height 1.1-1.7 m; the room is
    3-8 m wide and deep and 2.3-3.2 m high.
    """
    while True:
        camera, box = _draw(rng, width, height)
        if _worth_a_photo(camera, box):
            return camera, box


def _draw(rng: np.random.Generator, width: int, height: int) -> tuple[Camera, Box]:
    view = np.radians(rng.uniform(52, 98))
    frontal = rng.random() < 0.35
    yaw = rng.normal(0, 3) if frontal else rng.uniform(-44, 44)
    camera = Camera(
        width=width,
        height=height,
        focal_px=float(width / 2 / np.tan(view / 2)),
        pitch_deg=float(rng.uniform(-4, 12)),
        roll_deg=float(np.clip(rng.normal(0, 0.8), -2, 2)),
        yaw_deg=float(np.clip(yaw, -44, 44)),
        height_m=float(rng.uniform(1.1, 1.7)),
    )
    wide, deep = rng.uniform(3, 8, 2)
    behind = rng.uniform(0.2, 0.9)
    aside = _aside(rng, camera.yaw_deg) * (wide - 0.6) + 0.3
    box = Box(
        left_m=float(-aside),
        right_m=float(wide - aside),
        near_m=float(-behind),
        far_m=float(deep - behind),
        ceiling_m=float(rng.uniform(2.3, 3.2)),
    )
    return camera, box


def _aside(rng: np.random.Generator, yaw_deg: float) -> float:
    """Share 0..1 of the width left of the camera: who turns right stands on the left."""
    turned = min(abs(yaw_deg) / 30, 1.0)
    share = rng.uniform(0.2, 0.8) * (1 - turned) + rng.uniform(0.0, 0.4) * turned
    return float(share if yaw_deg > 0 else 1 - share)


def _worth_a_photo(camera: Camera, box: Box) -> bool:
    feet = np.array([[x, box.far_m, 0.0] for x in (box.left_m, box.right_m)])
    pixels = camera.project(feet)
    inner = (pixels > 0.03 * np.array([camera.width, camera.height])) & (
        pixels < np.array([0.97 * camera.width, 0.88 * camera.height])
    )
    return bool(inner.all(axis=1).any())


def draw_openings(rng: np.random.Generator, box: Box) -> tuple[Opening, ...]:
    """Doors, windows and now and then a fireplace; at least one, never two in one place."""
    openings: list[Opening] = []
    for side in SIDES:
        cursor = _start(box, side) + rng.uniform(0.1, 1.2)
        while (opening := _next(rng, box, side, cursor)) is not None:
            if rng.random() < 0.7:
                openings.append(opening)
            cursor = opening.end_m + rng.uniform(0.25, 1.8)
    return tuple(openings) or draw_openings(rng, box)


def _start(box: Box, side: Side) -> float:
    return box.left_m if side == "far" else max(box.near_m, -0.5)


def _next(rng: np.random.Generator, box: Box, side: Side, start: float) -> Opening | None:
    end_of_wall = box.right_m if side == "far" else box.far_m
    kind = rng.choice(("window", "door", "wide", "fireplace"), p=(0.56, 0.34, 0.06, 0.04))
    top = min(rng.uniform(2.0, 2.15), box.ceiling_m - 0.15)
    if kind == "window":
        wide, bottom = rng.uniform(0.6, 2.4), rng.uniform(0.05, 1.1)
        top = float(np.clip(bottom + rng.uniform(0.9, 2.0), 1.7, box.ceiling_m - 0.12))
    elif kind == "fireplace":
        wide, bottom, top = rng.uniform(1.1, 1.7), 0.0, rng.uniform(1.0, 1.4)
    else:
        wide, bottom = rng.uniform(0.75, 0.95) if kind == "door" else rng.uniform(1.5, 2.4), 0.0
    if start + wide > end_of_wall - 0.12:
        return None
    return Opening(
        kind="door" if kind == "wide" else kind,
        side=side,
        start_m=float(start),
        end_m=float(start + wide),
        bottom_m=float(bottom),
        top_m=float(top),
        confidence=1.0,
    )


def swing(
    box: Box, door: Opening, hinge_at_start: bool
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Floor polygon (n, 2) in metres that the leaf of a door sweeps into the room."""
    radius = door.end_m - door.start_m
    turn = np.linspace(0, np.pi / 2, 13)
    hinge, towards = (door.start_m, 1.0) if hinge_at_start else (door.end_m, -1.0)
    along = np.append(hinge, hinge + towards * radius * np.cos(turn))
    inwards = np.append(0.0, radius * np.sin(turn))
    if door.side == "far":
        return np.stack([along, box.far_m - inwards], axis=1)
    x = box.left_m + inwards if door.side == "left" else box.right_m - inwards
    return np.stack([x, along], axis=1)
