"""Sunlight that falls through the panes of a synthetic room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from staging_core.backends.render.room import Opening

from .box import Box, Floats, Patch
from .fixture import Fixture
from .leaf import Hole, Panes
from .noise import inside


@dataclass(frozen=True, slots=True)
class Sun:
    """``towards``: unit vector (3,) to the sun; ``power``: linear RGB; the panes that let it in."""

    towards: Floats
    power: Floats
    panes: tuple[tuple[Opening, Panes], ...]

    def on(self, box: Box, patch: Patch) -> Floats:
        """Irradiance (n, 3) of a patch's samples by the sun alone."""
        lit = np.zeros_like(patch.u)
        facing = float(box.normal(patch.face) @ self.towards)
        if facing > 0.02:
            points = box.point(patch.face, patch.u, patch.v)
            for opening, panes in self.panes:
                if float(box.normal(opening.side) @ self.towards) < -0.05:
                    lit = np.maximum(lit, self._through(box, opening, panes, points))
        return (lit * np.float32(facing))[:, None] * self.power.astype(np.float32)

    def _through(self, box: Box, opening: Opening, panes: Panes, points: Floats) -> Floats:
        axis, at = box.plane(opening.side)
        towards = self.towards.astype(np.float32)
        way = (np.float32(at) - points[:, axis]) / towards[axis]
        blur = np.float32(0.01) + np.float32(0.009) * np.abs(way)
        hole = Hole(
            x=points[:, 1 - axis] + way * towards[1 - axis] - np.float32(opening.start_m),
            y=points[:, 2] + way * towards[2] - np.float32(opening.bottom_m),
            size_u=blur,
            size_v=blur,
            wide_m=opening.end_m - opening.start_m,
            high_m=opening.top_m - opening.bottom_m,
        )
        lit = inside(hole.x, 0, hole.wide_m, blur) * inside(hole.y, 0, hole.high_m, blur)
        return lit * (1 - panes.bars(hole))


def draw_sun(rng: np.random.Generator, fixtures: tuple[Fixture, ...]) -> Sun:
    """A sun 18-50 degrees high, anywhere around the house; half a degree wide."""
    height, turn = np.radians(rng.uniform(18, 50)), rng.uniform(0, 2 * np.pi)
    level = np.cos(height)
    return Sun(
        towards=np.array([np.cos(turn) * level, np.sin(turn) * level, np.sin(height)]),
        power=np.array([2.2, 2.05, 1.8]) * rng.uniform(0.5, 1.6),
        panes=tuple((f.opening, f.panes) for f in fixtures if f.panes),
    )
