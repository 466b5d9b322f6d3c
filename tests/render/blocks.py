"""A plain room and plain furniture for the tests of the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera
from staging_core.backends.render.mesh import Material, Mesh, Part, Piece, Placed
from staging_core.backends.render.room import Room, Wall

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
GREY = Material("grey", (0.4, 0.4, 0.4), strength=0.0, gloss=0.0)
WHITE = Material("white", (0.82, 0.82, 0.82), strength=0.0, gloss=0.0)
BLACK = Material("black", (0.03, 0.03, 0.03), strength=0.0, gloss=0.0)
GLASS = Material("glass", (0.9, 0.9, 0.9), pattern="glass", gloss=0.9)
_SIDES = ((0, -1), (0, 1), (1, -1), (1, 1), (2, -1), (2, 1))


def block_mesh(width: float, depth: float, height: float) -> Mesh:
    """A box that stands on the floor, its sides with normals of their own."""
    vertices: list[Floats] = []
    normals: list[Floats] = []
    uv: list[tuple[float, float]] = []
    faces: list[tuple[int, int, int]] = []
    half = np.array([width, depth, height]) / 2
    for axis, sign in _SIDES:
        normal = sign * np.eye(3)[axis]
        across, up = (np.eye(3)[i] for i in range(3) if i != axis)
        corners = [normal + a * across + b * up for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        first = len(vertices)
        vertices += [(corner * half) + (0, 0, half[2]) for corner in corners]
        normals += [normal] * 4
        uv += [(corner @ across * (half @ across), corner @ up * (half @ up)) for corner in corners]
        faces += [(first, first + 1, first + 2), (first, first + 2, first + 3)]
    return Mesh(
        np.array(vertices, np.float32),
        np.array(normals, np.float32),
        np.array(uv, np.float32),
        np.array(faces, np.int32),
    )


def block(
    x: float,
    y: float,
    size: tuple[float, float, float] = (0.8, 0.6, 0.5),
    *,
    material: Material = GREY,
    z: float = 0.0,
    turn_deg: float = 20.0,
) -> Placed:
    """A box of one material at (x, y, z)."""
    piece = Piece("block", size, (Part(block_mesh(*size), material),))
    return Placed(piece, x, y, z, turn_deg)


def plain_room(width: int = 240, height: int = 160) -> Room:
    """A room 4 m wide and 5 m deep, seen from 1.4 m above its floor."""
    camera = Camera(width, height, 0.75 * width, 8.0, 0.0, 5.0, 1.4)
    walls = (Wall(-2.0, 0.02, True), Wall(2.0, 0.02, True), Wall(5.0, 0.02, True))
    floor = np.zeros((height, width), np.bool_)
    floor[height // 2 :] = True
    outline = np.array([[0, height], [0, height // 2], [width, height // 2], [width, height]])
    return Room(camera, *walls, 2.6, floor, outline.astype(float), (), 0.9)


def even_photo(room: Room, level: int | tuple[int, int, int] = 170, noise: float = 0.0) -> Pixels:
    """A photo of one colour everywhere, with noise of that deviation."""
    shape = (room.camera.height, room.camera.width, 3)
    values = np.broadcast_to(np.array(level, float), shape)
    values = values + np.random.default_rng(5).normal(0, noise, shape)
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
