"""Putting a piece together from meshes and palette roles."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.mesh import Mesh, Part, Piece, Stand

from .style import Look
from .transform import merge, mirror, move


class Assembly:
    """Collects the meshes of one piece by material role."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._meshes: dict[str, list[Mesh]] = {}

    def add(self, role: str, *meshes: Mesh) -> None:
        """Take ``meshes`` in the material of palette ``role``."""
        self._meshes.setdefault(role, []).extend(meshes)

    def add_pair(self, role: str, *meshes: Mesh) -> None:
        """Take ``meshes`` and their mirror images left of ``x = 0``."""
        self.add(role, *meshes, *(mirror(mesh) for mesh in meshes))

    def take(self, other: Assembly, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        """Take all that ``other`` collected, moved by metres."""
        for role, meshes in other._meshes.items():
            self.add(role, *(move(mesh, x, y, z) for mesh in meshes))

    def piece(self, kind: str, stand: Stand = "floor") -> Piece:
        """The finished piece, centred over its footprint; a wall piece keeps its back at y = 0.

        What stands is set down on its lowest point, as a splayed foot has an edge.
        """
        meshes = {role: merge(*meshes) for role, meshes in self._meshes.items()}
        low = np.min([mesh.vertices.min(axis=0) for mesh in meshes.values()], axis=0)
        high = np.max([mesh.vertices.max(axis=0) for mesh in meshes.values()], axis=0)
        x, y = (-float(v) for v in (low + high)[:2] / 2)
        y, z = (0.0, 0.0) if stand == "wall" else (y, -float(low[2]))
        parts = tuple(
            Part(move(mesh, x, y, z), self.look.material(role)) for role, mesh in meshes.items()
        )
        width, depth, height = (float(v) for v in high - low)
        return Piece(kind, (width, depth, height), parts, stand)
