"""The colour of furniture in the photo's light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .gather import Gatherer
from .light_grid import LightGrid, leant
from .materials import finish
from .scene import Scene
from .surface import Surface
from .tone import luminance, shoulder
from .vectors import dot, unit

Floats = NDArray[np.float32]
SHINY, CLEAR = 0.05, 0.2
"""From here on a surface mirrors the room around it, and single things in it."""
GLOW_SHOWN = 0.4
WARM = np.array([1.08, 0.96, 0.78], np.float32)
DARKEST, LIGHTEST = 0.02, 0.86
"""Real paints and fabrics reflect no less and no more."""


@dataclass(frozen=True, slots=True)
class Shader:
    """Turns samples of a scene into light in the photo's units."""

    scene: Scene
    gatherer: Gatherer
    grid: LightGrid
    tangents: tuple[Floats, Floats]

    def colours(self, surface: Surface) -> Floats:
        """Linear light (n, 3) that the samples send to the camera, 0..1."""
        albedo, normal = self._finished(surface)
        arriving, lean = self.grid.spread(surface)
        arriving = leant(arriving, lean, normal - surface.normal)
        exposure = self.gatherer.light.exposure
        diffuse = albedo * arriving * exposure
        light = self._dull_and_shiny(surface, normal, albedo, diffuse, arriving * exposure)
        return shoulder(light + self._glow(surface, albedo))

    def _finished(self, surface: Surface) -> tuple[Floats, Floats]:
        """Albedo (n, 3) and the normals (n, 3) of the relief."""
        part = self.scene.part[surface.face]
        order = np.argsort(part, kind="stable")
        starts = np.flatnonzero(np.diff(part[order], prepend=-1))
        albedo = np.empty((len(part), 3), np.float32)
        slopes = np.empty((len(part), 2), np.float32)
        for chosen in np.split(order, starts[1:]):
            number = part[chosen[0]]
            made = finish(
                self.scene.materials[number],
                surface.uv[chosen],
                self.scene.uv_span[number],
                surface.footprint[chosen],
            )
            albedo[chosen] = made.albedo
            slopes[chosen, 0], slopes[chosen, 1] = made.slope_u, made.slope_v
        return np.clip(albedo, DARKEST, LIGHTEST), self._bent(surface, slopes)

    def _bent(self, surface: Surface, slopes: Floats) -> Floats:
        along_u, along_v = (tangent[surface.face] for tangent in self.tangents)
        normal = surface.normal - slopes[:, :1] * along_u - slopes[:, 1:] * along_v
        return unit(normal)

    def _dull_and_shiny(
        self, surface: Surface, normal: Floats, albedo: Floats, diffuse: Floats, arriving: Floats
    ) -> Floats:
        """Adds what smooth surfaces mirror (Schlick's Fresnel) and the pale rim of cloth."""
        materials = self.scene.materials
        part = self.scene.part[surface.face]
        gloss = np.array([m.gloss for m in materials], np.float32)[part]
        is_metal = np.array([m.pattern == "metal" for m in materials], np.bool_)[part]
        is_cloth = np.array([m.pattern in {"fabric", "rug"} for m in materials], np.bool_)[part]
        facing = np.clip(-dot(normal, surface.view), 0, 1)
        rim = np.where(is_cloth, 0.18 * (1 - facing) ** 3, 0)[:, None]
        light = diffuse * (1 + rim)
        shiny = np.flatnonzero(is_metal | (gloss > SHINY))
        if len(shiny) == 0:
            return np.asarray(light, np.float32)
        metal, g = is_metal[shiny, None], gloss[shiny, None]
        base = np.where(metal, albedo[shiny], 0.04)
        # Rough surfaces have less of a bright rim (Lagarde 2011).
        fresnel = base + (np.maximum(g, base) - base) * (1 - facing[shiny, None]) ** 5
        share = np.where(metal, 0.85 * fresnel, np.minimum(2 * g, 1) * fresnel)
        # Rough surfaces mirror what lies all around them, much as they gather it.
        rough = arriving[shiny]
        clear = np.flatnonzero(gloss[shiny] >= CLEAR)
        mirrored = self._mirrored(surface.part(shiny[clear]), gloss[shiny[clear]])
        rough[clear] += np.sqrt(g[clear]) * (mirrored - rough[clear])
        light[shiny] = light[shiny] * np.where(metal, 0.25, 1 - share) + share * rough
        return np.asarray(light, np.float32)

    def _mirrored(self, surface: Surface, gloss: Floats) -> Floats:
        """Light (n, 3) from where the samples, without relief, mirror the view."""
        facing = dot(surface.normal, surface.view)[:, None]
        directions = surface.view - 2 * facing * surface.normal
        origins = surface.position + surface.normal * 0.004
        light = self.gatherer.light
        dull = light.mirrored(origins, directions, 2)
        clear = light.mirrored(origins, directions, 0)
        sharp = np.clip((gloss[:, None] - 0.25) / 0.5, 0, 1)
        free = np.minimum(dull + (clear - dull) * sharp, 2.0)
        return self.gatherer.furnished(origins, directions, free)

    def _glow(self, surface: Surface, albedo: Floats) -> Floats:
        part = self.scene.part[surface.face]
        glow = np.array([m.glow for m in self.scene.materials], np.float32)[part, None]
        warm = self.gatherer.light.white * WARM
        brightness = luminance(albedo)[:, None] / 0.8
        return np.asarray(GLOW_SHOWN * glow * warm * brightness, np.float32)
