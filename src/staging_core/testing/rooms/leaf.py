"""What closes an opening of a synthetic room: panes, a door, a doorway's hall, a fireplace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from .box import Floats, Patch
from .colour import DOOR_PAINTS, FRAME_PAINTS, linear, pick
from .noise import Noise, band, fade, inside, mix


@dataclass(frozen=True, slots=True)
class Hole:
    """Samples in a hole in a wall: ``x, y`` metres from its lower start corner, and extents."""

    x: Floats
    y: Floats
    size_u: Floats
    size_v: Floats
    wide_m: float
    high_m: float

    def to_bars(self, columns: int, rows: int) -> tuple[Floats, Floats]:
        """Metres to the nearest upright and level line of an even grid, the border included."""
        column, row = self.x / self.wide_m * columns, self.y / self.high_m * rows
        return (
            np.abs(column - np.rint(column)) / columns * self.wide_m,
            np.abs(row - np.rint(row)) / rows * self.high_m,
        )


class Leaf(Protocol):
    """Paints what is seen through a hole."""

    @property
    def spill(self) -> float:
        """Light it throws on the sides of the hole, in units of a well-lit white wall."""
        ...

    def paint(self, hole: Hole, part: Patch, noise: Noise) -> tuple[Floats, Floats]:
        """Linear albedo and glow (n, 3); ``part`` is the same samples on the wall's plane."""
        ...


@dataclass(frozen=True, slots=True)
class Panes:
    """A window or glazed door: ``bar_m`` wide glazing bars, ``glow`` of the view, maybe blinds."""

    frame: Floats
    columns: int
    rows: int
    bar_m: float
    glow: float
    blinds: bool

    @property
    def spill(self) -> float:
        return 0.25 * self.glow

    def paint(self, hole: Hole, part: Patch, noise: Noise) -> tuple[Floats, Floats]:
        """Panes of a washed-out view between bars that the daylight outshines."""
        bars = self.bars(hole)
        if self.blinds:
            open_slats = np.sign(np.mod(hole.y / 0.05, 1) - 0.35) * fade(0.025, hole.size_v)
            bars = np.maximum(bars, np.float32(0.55) + np.float32(0.35) * open_slats)
        glow = _outdoors(part, noise) * (self.glow * (1 - bars))[:, None]
        lit = self.frame * bars[:, None]
        return lit, glow + lit * np.float32(0.12 * self.glow)

    def bars(self, hole: Hole) -> Floats:
        """Share 0..1 of each sample that the frame and its bars cover."""
        to_u, to_v = hole.to_bars(self.columns, self.rows)
        rim_u, rim_v = hole.to_bars(1, 1)
        half, size_u, size_v = self.bar_m / 2, hole.size_u, hole.size_v
        bars = np.maximum(band(to_u, half, size_u), band(to_v, half, size_v))
        rim = np.maximum(band(rim_u, half * 2.8, size_u), band(rim_v, half * 2.8, size_v))
        return np.maximum(bars, rim)


def draw_panes(rng: np.random.Generator, wide_m: float, *, blinds: bool) -> Panes:
    """Choose a frame and its division."""
    return Panes(
        frame=pick(rng, FRAME_PAINTS),
        columns=int(rng.integers(1, 3 + round(wide_m))),
        rows=int(rng.integers(1, 4)),
        bar_m=float(rng.uniform(0.02, 0.06)),
        glow=float(rng.uniform(0.9, 3.0)),
        blinds=blinds,
    )


def _outdoors(part: Patch, noise: Noise) -> Floats:
    """Sky over greenery, by the direction of the ray."""
    slope = part.dv + 0.05 * noise.smooth(part.du, part.du, 0.2, 0.2)
    leaves = 0.5 + 0.12 * noise.smooth(part.du, part.dv, 0.08, 0.08)
    green = np.array([0.55, 0.62, 0.45], np.float32) * leaves[:, None]
    sky = np.broadcast_to(np.array([0.86, 0.94, 1.0], np.float32), green.shape)
    return mix(green, sky, np.clip((slope - 0.02) / 0.06, 0, 1))


@dataclass(frozen=True, slots=True)
class Door:
    """A closed door of ``columns`` x ``rows`` recessed panels, flush when there are none."""

    colour: Floats
    columns: int
    rows: int
    handle_at_end: bool
    spill: ClassVar[float] = 0.0

    def paint(self, hole: Hole, part: Patch, noise: Noise) -> tuple[Floats, Floats]:
        """Faint grain, a gap all around, panels and a handle."""
        tone = 1 + 0.03 * noise.smooth(hole.x, hole.y, 0.02, 0.6)
        gap = np.minimum(np.minimum(hole.x, hole.wide_m - hole.x), hole.high_m - hole.y)
        tone *= 1 - 0.6 * band(np.abs(gap), 0.006, hole.size_u)
        if self.rows:
            tone *= self._panels(hole)
        handle = np.array([hole.wide_m - 0.07 if self.handle_at_end else 0.07, 1.02], np.float32)
        du, dv = hole.x - handle[0], hole.y - handle[1]
        lever = band(np.abs(dv), 0.014, hole.size_v) * band(np.abs(du), 0.06, hole.size_u)
        plate = band(np.hypot(du, dv * 0.6), 0.028, hole.size_u)
        colour = mix(self.colour * tone[:, None], linear("8f8c86"), np.maximum(lever, plate))
        return colour, np.zeros_like(colour)

    def _panels(self, hole: Hole) -> Floats:
        """Shade: dark under the upper edges of the panels, light on their lower ones."""
        to_u, to_v = hole.to_bars(self.columns, self.rows)
        rim = np.minimum(to_u - 0.09 / self.columns, to_v - 0.07)
        upper = np.mod(hole.y / hole.high_m * self.rows, 1) > 0.5
        line = band(np.abs(rim), 0.008, hole.size_u)
        edge: Floats = line * np.where(upper, np.float32(-0.28), np.float32(0.05))
        field: Floats = np.where(rim > 0, np.float32(-0.03), np.float32(0))
        return 1 + edge + field


def draw_door(rng: np.random.Generator) -> Door:
    """Choose a panelled or flush door."""
    flush = rng.random() < 0.33
    return Door(
        colour=pick(rng, DOOR_PAINTS),
        columns=int(rng.integers(1, 3)),
        rows=0 if flush else int(rng.integers(2, 5)),
        handle_at_end=bool(rng.random() < 0.5),
    )


@dataclass(frozen=True, slots=True)
class Doorway:
    """No leaf: a plain hall 1.6 m deep, as bright as ``light``."""

    light: float
    spill: ClassVar[float] = 0.0

    def paint(self, hole: Hole, part: Patch, noise: Noise) -> tuple[Floats, Floats]:
        """The hall's floor, wall or ceiling, whichever the ray meets."""
        height = part.v + part.dv * np.float32(1.6)
        uneven = 1 + 0.02 * noise.smooth(hole.x, hole.y, 0.5, 0.5)
        glow = linear("e6e1d6") * (self.light * 0.45 * uneven)[:, None]
        glow = np.where((height < 0)[:, None], linear("8a6b4c") * self.light * 0.45, glow)
        glow = np.where((height > 2.4)[:, None], linear("f6f6f4") * self.light * 0.5, glow)
        return np.zeros_like(glow), glow


@dataclass(frozen=True, slots=True)
class Fireplace:
    """A brick surround with a dark firebox."""

    spill: ClassVar[float] = 0.0

    def paint(self, hole: Hole, part: Patch, noise: Noise) -> tuple[Floats, Floats]:
        """Bricks in running bond around the firebox."""
        row = np.floor(hole.y / 0.075)
        column = hole.x / 0.22 + 0.5 * np.mod(row, 2)
        tone = 0.75 + 0.4 * noise.cell(row, np.floor(column))
        to_bed = np.abs(hole.y / 0.075 - np.rint(hole.y / 0.075)) * 0.075
        to_head = np.abs(column - np.rint(column)) * 0.22
        size_u, size_v = hole.size_u, hole.size_v
        mortar = np.maximum(band(to_bed, 0.005, size_v), band(to_head, 0.005, size_u))
        brick = mix(linear("8c4a36") * tone[:, None], linear("b8b0a6"), mortar)
        margin = 0.22 * hole.wide_m
        dark = inside(hole.x, margin, hole.wide_m - margin, size_u)
        dark = dark * inside(hole.y, 0.05, hole.high_m * 0.68, size_v)
        colour = mix(brick, linear("1a1817"), dark)
        return colour, np.zeros_like(colour)
