"""Things that stand in a room: boxes and round bodies, for clutter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .box import Box, Floats
from .colour import CLUTTER_PAINTS, pick


@dataclass(frozen=True, slots=True)
class Block:
    """A box or the ellipsoid in it.

    ``centre, size``: (3,) in metres. ``turn``: radians about the vertical.
    """

    centre: Floats
    size: Floats
    turn: float
    albedo: Floats
    round: bool

    def local(self, points: Floats) -> Floats:
        """Room vectors (..., 3) in the block's own axes."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        turned = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], np.float32)
        return np.asarray(points @ turned, np.float32)

    def meet(self, origin: Floats, rays: Floats) -> tuple[Floats, Floats]:
        """Multiple of each ray (n, 3) that reaches the block (inf: none), and normals (n, 3).

        The normals are in the block's own axes.
        """
        half = self.size / 2
        start, ways = self.local(origin - self.centre) / half, self.local(rays) / half
        return _meet_ball(start, ways) if self.round else _meet_cube(start, ways)


def _meet_cube(start: Floats, ways: Floats) -> tuple[Floats, Floats]:
    safe = np.where(np.abs(ways) < 1e-9, np.float32(1e-9), ways)
    enters, leaves = (-np.sign(safe) - start) / safe, (np.sign(safe) - start) / safe
    enter = np.maximum(np.maximum(enters[:, 0], enters[:, 1]), enters[:, 2])
    leave = np.minimum(np.minimum(leaves[:, 0], leaves[:, 1]), leaves[:, 2])
    hit = (enter < leave) & (enter > 0)
    normal = np.where(enters == enter[:, None], -np.sign(safe), np.float32(0))
    return np.where(hit, enter, np.float32(np.inf)), normal


def _meet_ball(start: Floats, ways: Floats) -> tuple[Floats, Floats]:
    a, b = (ways * ways).sum(axis=1), ways @ start
    root = b * b - a * (start @ start - 1)
    way = (-b - np.sqrt(np.maximum(root, 0))) / a
    way = np.where((root > 0) & (way > 0), way, np.float32(np.inf))
    return way, start + np.where(np.isfinite(way), way, 0)[:, None] * ways


def draw_clutter(rng: np.random.Generator, box: Box) -> tuple[Block, ...]:
    """Piles of boxes, bags, a table and its legs, spread over the whole floor."""
    blocks: list[Block] = []
    for _ in range(int(rng.integers(16, 30))):
        x = rng.uniform(box.left_m + 0.3, box.right_m - 0.3)
        y = rng.uniform(0.9, box.far_m - 0.3)
        blocks.extend(_table(rng, x, y) if rng.random() < 0.15 else _pile(rng, x, y))
    return tuple(blocks)


def _pile(rng: np.random.Generator, x: float, y: float) -> list[Block]:
    pile, base = [], 0.0
    for _ in range(int(rng.integers(1, 4))):
        size = rng.uniform((0.2, 0.2, 0.12), (0.8, 0.7, 0.5))
        pile.append(_block(rng, (x, y, base + size[2] / 2), size, rng.random() < 0.25))
        base += size[2]
    return pile


def _table(rng: np.random.Generator, x: float, y: float) -> list[Block]:
    wide, deep, high = rng.uniform((0.6, 0.5, 0.4), (1.4, 0.9, 0.9))
    top = _block(rng, (x, y, high), np.array([wide, deep, 0.05]), False)
    legs = []
    for u in (-0.45, 0.45):
        for v in (-0.45, 0.45):
            cos, sin = np.cos(top.turn), np.sin(top.turn)
            foot = (x + cos * u * wide - sin * v * deep, y + sin * u * wide + cos * v * deep)
            size = np.array([0.05, 0.05, high], np.float32)
            centre = np.array([*foot, high / 2], np.float32)
            legs.append(Block(centre, size, top.turn, top.albedo, False))
    return [top, *legs]


def _block(
    rng: np.random.Generator, at: tuple[float, float, float], size: NDArray[np.float64], ball: bool
) -> Block:
    paint = pick(rng, CLUTTER_PAINTS)
    turn = float(rng.uniform(0, np.pi))
    return Block(np.array(at, np.float32), size.astype(np.float32), turn, paint, bool(ball))
