"""Abstract paintings for the walls, drawn from two colours."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.mesh import Material

from .noise import clouds

Floats = NDArray[np.float32]
SHAPES = 7


def painting(material: Material, u: Floats, v: Floats, span: tuple[float, float]) -> Floats:
    """Colours (n, 3) at u, v in 0..1 of a canvas ``span`` metres large: fields, discs, arcs."""
    rng = np.random.default_rng(zlib.crc32(repr((material.name, material.albedo, span)).encode()))
    colours = _palette(material, rng)
    canvas = np.broadcast_to(colours[0], (len(u), 3)).astype(np.float32).copy()
    ragged = 0.03 * clouds(u * 9, v * 9)
    for _ in range(SHAPES):
        inside = _shape(rng, u + ragged, v - ragged)
        brush = 0.85 + 0.15 * clouds(u * 3, v * 40)
        share = (inside * np.clip(brush, 0, 1) * rng.uniform(0.5, 0.95))[:, None]
        canvas += (colours[rng.integers(1, len(colours))] - canvas) * share
    return np.asarray(np.clip(canvas, 0.02, 0.85), np.float32)


def _palette(material: Material, rng: np.random.Generator) -> Floats:
    """Paper, the two colours, both lighter and darker, and one warm and one dark stroke."""
    base, accent = np.array(material.albedo), np.array(material.accent)
    paper = np.array([0.72, 0.69, 0.63])
    mixes = [base, accent, 0.55 * base, 0.5 * base + 0.5 * paper, 0.4 * accent]
    warm = np.array([0.48, 0.24, 0.11]) * rng.uniform(0.7, 1.2)
    return np.stack(
        [0.85 * paper + 0.15 * base, *mixes, warm, np.array([0.05, 0.055, 0.06])]
    ).astype(np.float32)


def _shape(rng: np.random.Generator, u: Floats, v: Floats) -> Floats:
    """Where (n,) 0..1 a random disc, arc or field lies, with soft edges."""
    x, y = rng.uniform(0.15, 0.85, 2)
    kind, size = rng.integers(3), rng.uniform(0.12, 0.34)
    away = np.hypot(u - x, v - y)
    if kind == 0:
        distance = away - size
    elif kind == 1:
        distance = np.abs(away - 1.3 * size) - 0.03
    else:
        distance = np.maximum(np.abs(u - x) - 1.4 * size, np.abs(v - y) - 0.6 * size)
    return np.asarray(np.clip(0.5 - distance / 0.025, 0, 1), np.float32)
