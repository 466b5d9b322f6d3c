"""Visibility by Intel Embree, through the optional ``embreex``."""

from __future__ import annotations

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from .lens import Lens, centres, rays
from .scene import Scene
from .visibility import NOTHING, Faces, Floats

RAYS_AT_ONCE = 1 << 18


class EmbreeVisibility:
    """Nearest triangles by a bounding volume hierarchy in single precision."""

    exact = True

    def __init__(self, scene: Scene) -> None:
        self._scene = EmbreeScene()
        self._empty = len(scene.faces) == 0
        if not self._empty:
            TriangleMesh(self._scene, scene.vertices, scene.faces)

    def seen(
        self, lens: Lens, pixels: NDArray[np.int64], offset: tuple[float, float] = (0.0, 0.0)
    ) -> Faces:
        found = np.full(len(pixels), NOTHING, np.int32)
        foot = np.array([[0.0, 0.0, lens.camera.height_m]], np.float32)
        for start in range(0, len(pixels), RAYS_AT_ONCE):
            part = slice(start, start + RAYS_AT_ONCE)
            ways = rays(lens.camera, centres(pixels[part], lens.camera.width, offset))
            found[part] = self.hit(np.repeat(foot, len(ways), axis=0), ways)
        return found

    def hit(self, origins: Floats, directions: Floats) -> Faces:
        if self._empty or len(origins) == 0:
            return np.full(len(origins), NOTHING, np.int32)
        faces = self._scene.run(np.ascontiguousarray(origins), np.ascontiguousarray(directions))
        return np.asarray(faces, np.int32)
