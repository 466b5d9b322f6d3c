"""Furniture as triangles: meshes, their materials, pieces and where pieces stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Pattern = Literal["plain", "fabric", "leather", "wood", "rug", "leaf", "metal", "glass", "art"]
Stand = Literal["floor", "rug", "wall", "top"]


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface answers light.

    ``albedo``, ``accent``: linear RGB 0..1 (``accent`` is the pattern's second colour);
    ``pattern_m``: size of one repeat in metres; ``strength`` 0..1 of pattern and bump;
    ``gloss`` 0..1; ``glow`` >= 0: light given off, in units of a white wall in the photo (a lamp's
    shade).
    """

    name: str
    albedo: tuple[float, float, float]
    pattern: Pattern = "plain"
    accent: tuple[float, float, float] = (0.5, 0.5, 0.5)
    pattern_m: float = 0.1
    strength: float = 0.5
    gloss: float = 0.1
    glow: float = 0.0


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles in metres.

    ``vertices``, ``normals`` (n, 3); ``uv`` (n, 2) in metres along the surface; ``faces`` (m, 3).
    """

    vertices: Floats
    normals: Floats
    uv: Floats
    faces: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Part:
    """One mesh with one material."""

    mesh: Mesh
    material: Material


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of furniture in its own frame.

    Origin: middle of the footprint on the floor; ``x`` to its right, front towards ``-y``, ``z``
    up. ``size_m``: width, depth, height. A wall piece's back lies in the plane ``y = 0``.
    """

    kind: str
    size_m: tuple[float, float, float]
    parts: tuple[Part, ...]
    stand: Stand = "floor"


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece in the room.

    Its origin is at ``(x_m, y_m, z_m)`` of the room frame; turned counter-clockwise from above.
    """

    piece: Piece
    x_m: float
    y_m: float
    z_m: float = 0.0
    turn_deg: float = 0.0

    def footprint_m(self) -> NDArray[np.float64]:
        """Corners (4, 2) of the footprint on the floor, in the room frame."""
        width, depth, _ = self.piece.size_m
        turn = np.radians(self.turn_deg)
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array([width, depth]) / 2
        turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        placed: NDArray[np.float64] = corners @ turned + np.array([self.x_m, self.y_m])
        return placed
