"""Framed pictures of abstract shapes, and mirrors."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.mesh import Mesh, Piece

from .assembly import Assembly
from .shapes import lathe, rounded_box, sheet
from .style import Look
from .transform import Points, deform, move, turn

_LAYER_M = 0.003


def wall_art(look: Look, width_m: float = 0.9, height_m: float = 0.7, seed: int = 0) -> Piece:
    """A framed picture, its lower edge at z = 0 and its back at y = 0."""
    assembly = Assembly(look)
    _framed(assembly, (width_m, height_m), 0.0, seed)
    return assembly.piece("wall_art", "wall")


def picture_pair(look: Look, width_m: float = 1.2, height_m: float = 0.7, seed: int = 0) -> Piece:
    """Two upright pictures side by side, together ``width_m`` wide."""
    assembly = Assembly(look)
    one = (width_m - 0.08) / 2
    for i, side in enumerate((-1, 1)):
        _framed(assembly, (one, height_m), side * (one / 2 + 0.04), seed + i)
    return assembly.piece("wall_art", "wall")


def mirror(look: Look, diameter_m: float = 0.8) -> Piece:
    """A round mirror in a thin frame, its lower edge at z = 0."""
    assembly = Assembly(look)
    r = diameter_m / 2
    ring = [(r, 0.0), (r, 0.025), (r - 0.015, 0.03), (r - 0.022, 0.018)]
    assembly.add("metal", move(turn(lathe(ring, sides=64), "x", 90), 0, 0, r))
    disc = lathe([(r - 0.02, 0.018), (0, 0.018)], sides=64)
    assembly.add("top", move(turn(disc, "x", 90), 0, 0, r))
    return assembly.piece("mirror", "wall")


def _framed(assembly: Assembly, size: tuple[float, float], x: float, seed: int) -> None:
    """One framed picture ``x`` metres right of the middle."""
    width, height = size
    bar = 0.022
    rail = rounded_box(width, 0.032, bar, 0.003)
    post = rounded_box(bar, 0.032, height, 0.003)
    inner = Assembly(assembly.look)
    inner.add("frame", move(rail, y=-0.016), move(rail, y=-0.016, z=height - bar))
    inner.add_pair("frame", move(post, (width - bar) / 2, -0.016))
    inner.add("mat", move(rounded_box(width - bar, 0.016, height - bar, 0.001), 0, -0.009, bar / 2))
    margin = 0.14 * min(width, height)
    canvas = Assembly(assembly.look)
    paint = _PAINTINGS[assembly.look.form("art")]
    paint(canvas, width - 2 * margin, height - 2 * margin, np.random.default_rng(seed))
    inner.take(canvas, 0, -0.018, height / 2)
    assembly.take(inner, x)


def _patch(width: float, height: float, x: float, z: float, layer: int) -> Mesh:
    """A flat rectangle of paint with its middle at (x, z)."""
    box = rounded_box(round(width, 3), 0.0012, round(height, 3), 0.0005, steps=1)
    return move(box, x, -_LAYER_M * layer, z - height / 2)


def _disc(radius: float, x: float, z: float, layer: int, hole: float = 0.0) -> Mesh:
    ring = turn(lathe([(radius, 0), (hole, 0)], sides=48), "x", 90)
    return move(ring, x, -_LAYER_M * layer - 0.0006, z)


def _arcs(canvas: Assembly, width: float, height: float, random: np.random.Generator) -> None:
    """Nested half rings over two bars, and a small sun aside."""
    radius = min(width, height) * 0.44
    side = 1 if random.uniform() < 0.5 else -1
    for i, share in enumerate((1.0, 0.74, 0.48)):
        outer, inner = radius * share, radius * (share - 0.2)
        canvas.add(f"art:{i + 1}", _half_ring(outer, inner, -height * 0.16))
    canvas.add("art:1", _disc(radius * 0.17, side * radius * 0.8, height * 0.36, 1))
    canvas.add("art:0", _patch(width * 0.86, height * 0.045, 0, -height * 0.24, 1))
    canvas.add("art:2", _patch(width * 0.6, height * 0.03, -side * width * 0.13, -height * 0.33, 1))


def _half_ring(outer: float, inner: float, z: float) -> Mesh:
    """A flat half ring of paint, open side down, its middle at height ``z``."""

    def surface(u: Points, v: Points) -> Points:
        turned = np.pi * (1 - u)
        radius = inner + (outer - inner) * v
        return np.stack(
            [radius * np.cos(turned), 0 * u - _LAYER_M, z + radius * np.sin(turned)], -1
        )

    return sheet(surface, 32, 1)


def _bands(canvas: Assembly, width: float, height: float, random: np.random.Generator) -> None:
    """Fields of colour above each other."""
    edges = np.sort(random.uniform(0.15, 0.85, 3))
    bounds = [0.0, *(float(e) for e in edges), 1.0]
    for i in range(4):
        low, high = bounds[i], bounds[i + 1]
        canvas.add(
            f"art:{i}",
            _patch(width, (high - low) * height, 0, ((low + high) / 2 - 0.5) * height, 1),
        )
    canvas.add(
        "art:1",
        _disc(min(width, height) * 0.13, random.uniform(-0.25, 0.25) * width, height * 0.22, 2),
    )


def _blobs(canvas: Assembly, width: float, height: float, random: np.random.Generator) -> None:
    """Loose rounded shapes and thin lines."""
    for i in range(4):
        phase = random.uniform(0, 6.3, 3)

        def wobble(points: Points, phase: Points = phase) -> Points:
            angle = np.arctan2(points[:, 2], points[:, 0])
            factor = 1 + 0.16 * np.sin(2 * angle + phase[0]) + 0.08 * np.sin(3 * angle + phase[1])
            moved: Points = points * np.stack([factor, np.ones_like(factor), factor], axis=1)
            return moved

        radius = min(width, height) * random.uniform(0.14, 0.28)
        ring = turn(lathe([(radius, 0), (0, 0)], sides=64), "x", 90)
        x, z = random.uniform(-0.26, 0.26) * width, random.uniform(-0.26, 0.26) * height
        canvas.add(f"art:{i}", move(deform(ring, wobble), x, -_LAYER_M * (i + 1), z))
    for _ in range(2):
        canvas.add("frame", _patch(0.006, height * 0.7, random.uniform(-0.3, 0.3) * width, 0, 5))


def _hills(canvas: Assembly, width: float, height: float, random: np.random.Generator) -> None:
    """A sky and ranges of hills, one before the other."""
    canvas.add("art:2", _patch(width, height, 0, 0, 1))
    canvas.add(
        "mat",
        _disc(min(width, height) * 0.09, random.uniform(-0.25, 0.25) * width, height * 0.27, 2),
    )
    for i in range(3):
        phase, level = random.uniform(0, 6.3), 0.62 - 0.18 * i
        strip = rounded_box(
            round(width, 3), 0.0012, round(level * height, 3), 0.0005, (28, 1, 3), steps=1
        )

        def crest(points: Points, phase: float = phase, i: int = i, level: float = level) -> Points:
            share = points[:, 2] / (level * height)
            wave = np.sin((5 + 2 * i) * points[:, 0] / width + phase) + 0.4 * np.sin(
                13 * points[:, 0] / width + 2 * phase
            )
            lift = 0.055 * height * wave * share
            return points + np.stack([0 * lift, 0 * lift, lift], axis=1)

        canvas.add(
            f"art:{(i + 3) % 4}", move(deform(strip, crest), 0, -_LAYER_M * (i + 2), -height / 2)
        )


def _grid(canvas: Assembly, width: float, height: float, random: np.random.Generator) -> None:
    """Squares of paint in rows, some left out."""
    columns, rows = 4, max(round(4 * height / width), 2)
    cell = (width / columns, height / rows)
    for i in range(columns):
        for j in range(rows):
            if random.uniform() < 0.22:
                continue
            x, z = (i + 0.5) * cell[0] - width / 2, (j + 0.5) * cell[1] - height / 2
            canvas.add(
                f"art:{random.integers(0, 4)}", _patch(cell[0] * 0.82, cell[1] * 0.82, x, z, 1)
            )


def _painting(canvas: Assembly, width: float, height: float, random: np.random.Generator) -> None:
    """One canvas; the renderer paints it."""

    def field(u: Points, v: Points) -> Points:
        return np.stack([(u - 0.5) * width, 0 * u - _LAYER_M, (v - 0.5) * height], axis=-1)

    canvas.add("canvas", sheet(field, 2, 2))


_PAINTINGS = {
    "arcs": _arcs,
    "bands": _bands,
    "blobs": _blobs,
    "grid": _grid,
    "hills": _hills,
    "painting": _painting,
}
