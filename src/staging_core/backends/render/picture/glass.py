"""Glass: what lies behind it stays visible, and it mirrors the room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .antialias import Samples
from .gather import Gatherer
from .lens import Lens, centres
from .scene import Scene
from .surface import surface_at
from .vectors import dot
from .visibility import NOTHING, Faces

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]
TINT = 0.35


@dataclass(frozen=True, slots=True)
class Glass:
    """The see-through parts of a scene, and where they are seen."""

    scene: Scene
    lens: Lens
    samples: Samples
    gatherer: Gatherer

    def over(self, light: Floats, pixels: Longs, nearness: Floats) -> Floats:
        """``light`` (n, 3) of ``pixels`` (among the samples') through the glass in front of it.

        ``nearness`` (n,): 1 / depth of the furniture behind, 0 for the bare room.
        """
        faces = self.samples.seen(pixels)
        passed, mirrored = np.zeros_like(light), np.zeros_like(light)
        for face, offset in zip(faces, self.samples.offsets, strict=True):
            through, added = self._sample(face, pixels, nearness, offset)
            passed += through / len(faces)
            mirrored += added / len(faces)
        return light * passed + mirrored

    def _sample(
        self, face: Faces, pixels: Longs, nearness: Floats, offset: tuple[float, float]
    ) -> tuple[Floats, Floats]:
        """The share of light (n, 3) that passes and the light (n, 3) that is added."""
        through = np.ones((len(pixels), 3), np.float32)
        added = np.zeros_like(through)
        met = np.flatnonzero(face != NOTHING)
        middles = centres(pixels[met], self.lens.camera.width, offset)
        surface = surface_at(self.scene, self.lens, face[met], middles)
        in_front = surface.footprint * self.lens.camera.focal_px * nearness[met] < 1.01
        met, surface = met[in_front], surface.part(in_front)
        facing = np.clip(-dot(surface.normal, surface.view)[:, None], 0, 1)
        fresnel = 0.07 + 0.93 * (1 - facing) ** 5
        albedo = np.array([m.albedo for m in self.scene.materials], np.float32)
        tint = 1 + TINT * (albedo[self.scene.part[surface.face]] - 1)
        through[met] = (1 - fresnel) * tint
        directions = surface.view + 2 * facing * surface.normal
        origins = surface.position + surface.normal * 0.004
        free = np.minimum(self.gatherer.light.mirrored(origins, directions, 0), 2.0)
        added[met] = fresnel * self.gatherer.furnished(origins, directions, free)
        return through, added
