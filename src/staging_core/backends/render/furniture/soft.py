"""Soft shapes: cushions, scatter pillows, covers that hang over an edge, folded throws."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from staging_core.backends.render.mesh import Mesh

from .shapes import ring_path, rounded_box, sheet, tube
from .transform import Points, deform, displace, merge, move, turn


@lru_cache(maxsize=512)
def cushion(
    width: float,
    depth: float,
    height: float,
    *,
    crown: float = 0.03,
    radius: float = 0.045,
    seed: int = 0,
) -> Mesh:
    """A seat or back cushion lying flat: top and bottom swell by ``crown``, front bulges a little.

    The given size is the whole size, swelling included.
    """
    inner = height - 2 * crown
    box = rounded_box(
        width - 0.01, depth - 0.01, inner, min(radius, inner * 0.49), (8, 8, 1), steps=3
    )

    def swell(points: Points) -> Points:
        x, y = points[:, 0] / (width / 2), points[:, 1] / (depth / 2)
        dome = (1 - x**4) * (1 - y**4)
        level = (points[:, 2] - inner / 2) / (inner / 2)
        side = np.maximum(1 - level**2, -0.2) * 0.004
        return np.stack(
            [
                points[:, 0] * (1 + side / (width / 2)),
                points[:, 1] * (1 + side / (depth / 2)),
                points[:, 2] + crown + level * crown * dome,
            ],
            axis=1,
        )

    return displace(deform(box, swell), lambda points: _wrinkles(points, seed, 0.0025))


def _wrinkles(points: Points, seed: int, amount: float) -> Points:
    """Smooth, slow waves of at most ``amount`` metres that make no two cushions the same."""
    random = np.random.default_rng(seed + 17)
    total = np.zeros(len(points))
    for _ in range(4):
        wave = random.normal(0, 11, 3)
        total += np.sin(points @ wave + random.uniform(0, 6.3))
    return total * (amount / 4)


def piping(width: float, depth: float, z: float, radius: float = 0.006) -> Mesh:
    """A cord round a cushion's edge at height ``z``."""
    return tube(ring_path(width, depth, 0.04, z), radius, 6, closed=True)


@lru_cache(maxsize=256)
def pillow(width: float, height: float, thickness: float, seed: int = 0) -> Mesh:
    """A scatter pillow lying flat: pointed corners, sides drawn in, a seam all round."""
    size = np.array([width, height, thickness])
    upper = sheet(lambda u, v: _pillow_half(u, v, size, seed), 14, 14)
    lower = turn(sheet(lambda u, v: _pillow_half(u, v, size, seed + 1), 14, 14), "x", 180)
    return move(merge(upper, lower), z=thickness / 2)


def _pillow_half(u: Points, v: Points, size: Points, seed: int) -> Points:
    a, b = np.sin((u - 0.5) * np.pi), np.sin((v - 0.5) * np.pi)
    drawn_x, drawn_y = 1 - 0.09 * (1 - b**2), 1 - 0.09 * (1 - a**2)
    swell = np.sqrt(np.maximum((1 - a**2) * (1 - b**2), 0.0)) ** 0.8
    shape = np.stack([a * size[0] / 2 * drawn_x, b * size[1] / 2 * drawn_y, 0 * a], axis=-1)
    crease = _wrinkles(shape.reshape(-1, 3), seed, 0.008).reshape(a.shape) * swell
    shape[..., 2] = swell * size[2] / 2 * 0.94 + crease
    return shape


def standing(mesh: Mesh, lean_deg: float = 75.0) -> Mesh:
    """A flat pillow put up on its lower edge and leaned back, its lowest point at z = 0."""
    up = turn(mesh, "x", lean_deg)
    return move(up, z=-float(up.vertices[:, 2].min()))


@lru_cache(maxsize=64)
def cover(width: float, depth: float, height: float, *, puff: float = 0.015, seed: int = 0) -> Mesh:
    """A duvet or bedspread over a mattress: soft hills on top, hanging folds at the sides.

    ``width, depth, height`` is what it covers; folds stand out up to 4 cm beyond it.
    """
    columns, rows = max(int(width * 22), 8), max(int(depth * 22), 8)
    box = rounded_box(width, depth, height, min(0.07, height * 0.45), (columns, rows, 5), steps=4)
    phase = np.random.default_rng(seed).uniform(0, 6.3, 6)

    def folds(points: Points) -> Points:
        x, y, z = points.T
        hang = np.clip(1 - z / height, 0, 1) ** 1.3
        along = np.sin(19 * x + 2.2 * np.sin(3.1 * y + phase[0]) + phase[1]) + np.sin(
            17 * y + 2.1 * np.sin(2.7 * x + phase[2]) + phase[3]
        )
        top = (1 - hang) ** 4
        ridge = np.sin(9 * x + 6 * y + 1.9 * np.sin(3.3 * x - 2.1 * y + phase[5]) + phase[4])
        ridge2 = np.sin(5.1 * x - 8.3 * y + 1.4 * np.sin(2.6 * y + phase[2]) + phase[0])
        hills = ridge * np.abs(ridge) + ridge2
        raised: Points = hang * (0.018 + 0.011 * along) + puff * top * (0.5 + 0.35 * hills)
        return raised

    return displace(box, folds)


def throw(path: Sequence[tuple[float, float]], width: float, seed: int = 0) -> Mesh:
    """A strip of cloth along ``path`` of (y, z) points, ``width`` across x, softly rippled."""
    line = np.array(path, dtype=np.float64)
    run = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    run /= run[-1]
    phase = np.random.default_rng(seed).uniform(0, 6.3, 3)

    def surface(u: Points, v: Points) -> Points:
        across = (u - 0.5) * width
        at = np.clip(v, 0, 1)
        waves = np.sin(31 * across + 1.3 * np.sin(5 * at + phase[0]) + phase[1])
        skew = 0.03 * np.sin(4 * at + phase[2])
        y, z = np.interp(at, run, line[:, 0]), np.interp(at, run, line[:, 1])
        beyond = (v - at) * 0.1
        return np.stack([across + skew, y + beyond, z + 0.004 * waves + 0.004], axis=-1)

    return sheet(surface, 24, 40)


def arch(half: float, top: float, drop: float, radius: float) -> list[tuple[float, float]]:
    """A (y, z) path that hangs ``drop`` down both sides of a beam with round shoulders."""
    turn_points = [
        (half - radius + radius * np.cos(a), top - radius + radius * np.sin(a))
        for a in np.linspace(0, np.pi / 2, 6)
    ]
    right = [(half, top - drop), *turn_points]
    left = [(-y, z) for y, z in reversed(right)]
    return [(float(y), float(z)) for y, z in right + left]
