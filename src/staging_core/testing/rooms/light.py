"""Light in a synthetic room: windows and lamps as small areas, darker corners, a soft fill.

The share that a small area lights a point with is the point-to-disc form factor,
``cos_a cos_b A / (pi d^2 + A)``; corners darken by ``exp(-distance / 0.25 m)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from staging_core.backends.render.room import Opening

from .box import Box, Face, Floats, Patch
from .fixture import Fixture
from .noise import sample
from .sun import Sun, draw_sun

GRID = 64


@dataclass(frozen=True, slots=True)
class Lamp:
    """A small one-sided area light: centre and normal (3,) in the room frame, m2, linear RGB."""

    centre: Floats
    normal: Floats
    area_m2: float
    power: Floats


@dataclass(frozen=True, slots=True)
class Light:
    """All light of a room; powers in units of a well-lit white wall, ``corner`` 0..1."""

    lamps: tuple[Lamp, ...]
    ambient: Floats
    corner: float
    sun: Sun | None

    def on(self, box: Box, patch: Patch) -> Floats:
        """Irradiance (n, 3) of a patch's samples."""
        u0, u1, v0, v1 = box.extent(patch.face)
        grid = self._grid(box, patch.face)
        x = (patch.u - u0) / (u1 - u0) * (GRID - 1)
        y = (patch.v - v0) / (v1 - v0) * (GRID - 1)
        light = sample(grid, x, y, wrap=False)
        return light + self.sun.on(box, patch) if self.sun else light

    def _grid(self, box: Box, face: Face) -> Floats:
        u0, u1, v0, v1 = box.extent(face)
        u, v = np.meshgrid(np.linspace(u0, u1, GRID), np.linspace(v0, v1, GRID))
        points, normal = box.point(face, u, v), box.normal(face)
        light = np.broadcast_to(self.ambient, points.shape)
        for lamp in self.lamps:
            light = light + _form_factor(lamp, points, normal)[..., None] * lamp.power
        for edge in (u - u0, u1 - u, v - v0, v1 - v):
            light = light * (1 - self.corner * np.exp(-edge / 0.25))[..., None]
        return light.astype(np.float32)


def _form_factor(lamp: Lamp, points: Floats, normal: Floats) -> Floats:
    to_lamp = lamp.centre - points
    square = np.maximum((to_lamp * to_lamp).sum(-1), 0.05)
    cosines = np.maximum(to_lamp @ normal, 0) * np.maximum(-(to_lamp @ lamp.normal), 0) / square
    return np.asarray(cosines * lamp.area_m2 / (np.pi * square + lamp.area_m2))


def draw_light(
    rng: np.random.Generator,
    box: Box,
    fixtures: tuple[Fixture, ...],
    spots: tuple[tuple[float, float], ...],
    floor_albedo: Floats,
) -> Light:
    """Daylight from every window, lamps, a soft fill tinted by the floor, sometimes sun."""
    day = 1 + rng.uniform(-0.06, 0.06) * np.array([-1, 0, 1])
    power = rng.uniform(0.8, 2.5)
    lamps = [
        _window(box, fixture.opening, day * power * fixture.panes.glow)
        for fixture in fixtures
        if fixture.panes
    ]
    tint = 0.85 + 0.15 * floor_albedo / floor_albedo.mean()
    return Light(
        lamps=(*lamps, _behind(rng, box, day), *_spots(rng, box, spots)),
        ambient=tint * rng.uniform(0.35, 0.8),
        corner=float(rng.uniform(0.05, 0.3)),
        sun=draw_sun(rng, fixtures) if rng.random() < 0.35 else None,
    )


def _window(box: Box, opening: Opening, power: Floats) -> Lamp:
    u = np.array((opening.start_m + opening.end_m) / 2)
    v = np.array((opening.bottom_m + opening.top_m) / 2)
    area = (opening.end_m - opening.start_m) * (opening.top_m - opening.bottom_m)
    return Lamp(box.point(opening.side, u, v), box.normal(opening.side), area, power)


def _behind(rng: np.random.Generator, box: Box, day: Floats) -> Lamp:
    """The window or open door behind the photographer."""
    centre = np.array([(box.left_m + box.right_m) / 2, box.near_m, 1.5])
    return Lamp(centre, box.normal("near"), 2.0, day * rng.uniform(0, 2))


def _spots(
    rng: np.random.Generator, box: Box, spots: tuple[tuple[float, float], ...]
) -> list[Lamp]:
    warm = np.array([1.0, rng.uniform(0.8, 1.0), rng.uniform(0.6, 0.95)]) * rng.uniform(0, 7.5)
    down = box.normal("ceiling")
    return [Lamp(np.array([x, y, box.ceiling_m]), down, 1 / len(spots), warm) for x, y in spots]
