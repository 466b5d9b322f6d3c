"""Light in a synthetic room: windows and lamps as small areas, dark corners, sun through the panes.

The share that a small area lights a point with is the point-to-disc form factor,
``cos_a cos_b A / (pi d^2 + A)``; corners darken by ``exp(-distance / 0.25 m)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .box import Box, Face, Floats, Patch
from .fixture import Fixture
from .noise import inside, sample

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
    """All light of a room; ``ambient`` and ``sun_power`` in units of a well-lit white wall."""

    lamps: tuple[Lamp, ...]
    ambient: Floats
    corner: float
    sun: Floats | None
    sun_power: Floats
    panes: tuple[Fixture, ...]

    def on(self, box: Box, patch: Patch) -> Floats:
        """Irradiance (n, 3) of a patch's samples."""
        u0, u1, v0, v1 = box.extent(patch.face)
        grid = self._grid(box, patch.face)
        x = (patch.u - u0) / (u1 - u0) * (GRID - 1)
        y = (patch.v - v0) / (v1 - v0) * (GRID - 1)
        light = np.stack([sample(grid[..., c], x, y, wrap=False) for c in range(3)], axis=-1)
        if self.sun is not None:
            light += self._sunlit(box, patch)[:, None] * self.sun_power
        return light

    def _grid(self, box: Box, face: Face) -> Floats:
        u0, u1, v0, v1 = box.extent(face)
        line_u = np.linspace(u0, u1, GRID, dtype=np.float32)
        line_v = np.linspace(v0, v1, GRID, dtype=np.float32)
        u, v = np.meshgrid(line_u, line_v)
        points, normal = box.point(face, u, v), box.normal(face)
        light = np.broadcast_to(self.ambient, points.shape).copy()
        for lamp in self.lamps:
            light += _form_factor(lamp, points, normal)[..., None] * lamp.power
        for edge in (u - u0, u1 - u, v - v0, v1 - v):
            light *= (1 - self.corner * np.exp(-edge / 0.25))[..., None]
        return light.astype(np.float32)

    def _sunlit(self, box: Box, patch: Patch) -> Floats:
        """Share of each sample that sees the sun through the panes of any window."""
        lit = np.zeros(patch.u.size, np.float32)
        facing = float(box.normal(patch.face) @ self.sun) if self.sun is not None else 0.0
        if self.sun is None or facing <= 0.02:
            return lit
        points = box.point(patch.face, patch.u, patch.v)
        blur = np.float32(0.01) + np.maximum(patch.size_u, patch.size_v)
        for pane in self.panes:
            axis, at = box.plane(pane.opening.side)
            if pane.opening.side == patch.face or self.sun[axis] * (1 if at > 0 else -1) < 0.05:
                continue
            way = (at - points[:, axis]) / self.sun[axis]
            u = points[:, 1 - axis] + way * self.sun[1 - axis]
            v = points[:, 2] + way * self.sun[2]
            lit = np.maximum(lit, _through(pane, u, v, blur))
        return lit * facing


def _through(pane: Fixture, u: Floats, v: Floats, blur: Floats) -> Floats:
    opening, bar = pane.opening, pane.bar_m
    lit = inside(u, opening.start_m + bar, opening.end_m - bar, blur)
    lit = lit * inside(v, opening.bottom_m + bar, opening.top_m - bar, blur)
    column = (u - opening.start_m) / (opening.end_m - opening.start_m) * pane.columns
    row = (v - opening.bottom_m) / (opening.top_m - opening.bottom_m) * pane.rows
    wide = (opening.end_m - opening.start_m) / pane.columns
    high = (opening.top_m - opening.bottom_m) / pane.rows
    bars = np.abs(column - np.rint(column)) * wide < bar / 2
    return lit * ~(bars | (np.abs(row - np.rint(row)) * high < bar / 2))


def _form_factor(lamp: Lamp, points: Floats, normal: Floats) -> Floats:
    to_lamp = lamp.centre - points
    square = np.maximum((to_lamp * to_lamp).sum(-1), 0.05)
    cosines = np.maximum(to_lamp @ normal, 0) * np.maximum(-(to_lamp @ lamp.normal), 0) / square
    return np.asarray(cosines * lamp.area_m2 / (np.pi * square + lamp.area_m2), np.float32)


def draw_light(
    rng: np.random.Generator,
    box: Box,
    fixtures: tuple[Fixture, ...],
    spots: tuple[tuple[float, float], ...],
    floor_albedo: Floats,
) -> Light:
    """Daylight from every window, a lamp or two, a soft fill tinted by the floor, sometimes sun."""
    panes = tuple(fixture for fixture in fixtures if fixture.leaf == "panes" and not fixture.blinds)
    day = np.array([1.0, 1.0, 1.0], np.float32) + rng.uniform(-0.06, 0.06) * np.array([-1, 0, 1])
    power = day * rng.uniform(1.5, 5.0)
    lamps = [_window_lamp(box, pane, power) for pane in panes]
    behind = np.array([(box.left_m + box.right_m) / 2, box.near_m, 1.5], np.float32)
    lamps.append(Lamp(behind, box.normal("near"), 2.0, day.astype(np.float32) * rng.uniform(0, 2)))
    warm = np.array([1.0, rng.uniform(0.8, 1.0), rng.uniform(0.6, 0.95)]) * rng.uniform(0, 2.5)
    for x, y in spots:
        centre = np.array([x, y, box.ceiling_m], np.float32)
        lamps.append(
            Lamp(centre, box.normal("ceiling"), 1.0 / len(spots), (warm * 3).astype(np.float32))
        )
    tint = 0.85 + 0.15 * floor_albedo / floor_albedo.mean()
    height, turn = np.radians(rng.uniform(18, 50)), rng.uniform(0, 2 * np.pi)
    sun = np.array([np.cos(turn) * np.cos(height), np.sin(turn) * np.cos(height), np.sin(height)])
    return Light(
        lamps=tuple(lamps),
        ambient=(tint * rng.uniform(0.35, 0.8)).astype(np.float32),
        corner=float(rng.uniform(0.05, 0.3)),
        sun=sun.astype(np.float32) if rng.random() < 0.35 else None,
        sun_power=np.array([2.2, 2.05, 1.8], np.float32) * np.float32(rng.uniform(0.5, 1.6)),
        panes=panes,
    )


def _window_lamp(box: Box, pane: Fixture, power: Floats) -> Lamp:
    opening = pane.opening
    middle = (
        np.float32([(opening.start_m + opening.end_m) / 2]),
        np.float32([(opening.bottom_m + opening.top_m) / 2]),
    )
    centre = box.point(opening.side, np.asarray(middle[0]), np.asarray(middle[1]))[0]
    area = (opening.end_m - opening.start_m) * (opening.top_m - opening.bottom_m)
    return Lamp(centre, box.normal(opening.side), area, (power * pane.glow / 2).astype(np.float32))
