"""What each sample of the picture shows: a place on a piece of furniture."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .lens import Lens, rays
from .scene import Scene
from .vectors import dot, unit

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Surface:
    """Samples of visible furniture.

    ``pixels`` (n, 2) picture coordinates; ``face`` (n,); ``position`` (n, 3) metres; ``normal``
    (n, 3) smooth, towards the viewer; ``uv`` (n, 2) metres; ``view`` (n, 3) unit, from the eye;
    ``footprint`` (n,) metres that one pixel covers there.
    """

    pixels: Floats
    face: NDArray[np.int32]
    position: Floats
    normal: Floats
    uv: Floats
    view: Floats
    footprint: Floats

    def __len__(self) -> int:
        return len(self.face)

    def part(self, which: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Surface:
        """The samples that ``which`` picks."""
        return Surface(*(getattr(self, one.name)[which] for one in fields(self)))


def surface_at(
    scene: Scene, lens: Lens, face: NDArray[np.int32], pixels: NDArray[np.float64]
) -> Surface:
    """The surfaces in pixels (n, 2) whose faces (n,) are known."""
    inside, depth = lens.barycentric(face, pixels)
    weights = np.clip(inside, 0, 1).astype(np.float32)[:, :, None]
    corners = scene.faces[face]
    ways = rays(lens.camera, pixels)
    position = ways * depth.astype(np.float32)[:, None]
    position[:, 2] += lens.camera.height_m
    view = unit(ways)
    normal = unit(_blended(scene.normals, corners, weights))
    away = dot(normal, view) > 0
    return Surface(
        pixels=pixels.astype(np.float32),
        face=face,
        position=position,
        normal=np.where(away[:, None], -normal, normal).astype(np.float32),
        uv=_blended(scene.uv, corners, weights),
        view=view,
        footprint=(depth / lens.camera.focal_px).astype(np.float32),
    )


def _blended(values: Floats, corners: NDArray[np.int32], weights: Floats) -> Floats:
    """``values`` (v, k) at corners (n, 3), blended by barycentric weights (n, 3, 1)."""
    a, b, c = (values[corners[:, i]] * weights[:, i] for i in range(3))
    return np.asarray(a + b + c)
