"""Which point of which triangle a pixel looks at, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera

from .scene import Scene

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lens:
    """The camera's view of a scene's triangles.

    ``weights`` (m, 3, 3) maps a pixel ``(x, y, 1)`` to the barycentric coordinates of its triangle
    divided by the depth: all three are positive where the pixel's ray meets the triangle in front
    of the camera, and their sum is 1 / depth along a ray with forward part 1. Homogeneous
    rasterisation (Olano and Greer, 1997): triangles that pass through the camera need no clipping.
    """

    camera: Camera
    weights: Doubles

    @classmethod
    def on(cls, scene: Scene, camera: Camera) -> Lens:
        foot = np.array([0.0, 0.0, camera.height_m])
        columns = np.swapaxes(scene.corners().astype(np.float64) - foot, 1, 2)
        flat = np.abs(np.linalg.det(columns)) < 1e-12
        columns[flat] = np.eye(3)
        weights = np.linalg.inv(columns) @ camera.rotation().T @ pixel_to_local(camera)
        weights[flat] = 0.0
        return cls(camera, weights)

    def barycentric(self, faces: NDArray[np.int32], pixels: Doubles) -> tuple[Doubles, Doubles]:
        """Barycentric coordinates (n, 3) and depths (n,) of pixels (n, 2) on faces (n,)."""
        matrix = self.weights[faces]
        scaled = matrix[:, :, 0] * pixels[:, :1] + matrix[:, :, 1] * pixels[:, 1:] + matrix[:, :, 2]
        total = scaled[:, 0] + scaled[:, 1] + scaled[:, 2]
        total = np.where(np.abs(total) < 1e-9, 1e-9, total)
        return scaled / total[:, None], 1.0 / total


def rays(camera: Camera, pixels: Doubles) -> Floats:
    """Directions (n, 3) in the room frame of picture coordinates (n, 2), forward part 1."""
    turn = camera.rotation().T @ pixel_to_local(camera)
    return np.asarray(
        pixels[:, :1] * turn[:, 0] + pixels[:, 1:] * turn[:, 1] + turn[:, 2], np.float32
    )


def pixel_to_local(camera: Camera) -> Doubles:
    """3x3 from homogeneous pixels to camera directions with forward part 1."""
    x, y = camera.centre
    focal = camera.focal_px
    return np.array([[1 / focal, 0, -x / focal], [0, 1 / focal, -y / focal], [0, 0, 1]])


def centres(pixels: NDArray[np.int64], width: int, offset: tuple[float, float]) -> Doubles:
    """Picture coordinates (n, 2) of the middles of pixels (flat numbers), moved by ``offset``."""
    y, x = np.divmod(pixels, width)
    return np.stack([x + 0.5 + offset[0], y + 0.5 + offset[1]], axis=1)
