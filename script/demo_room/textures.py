"""The oak floor and the view outside, drawn as linear pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]


def cloud(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> Floats:
    """Smooth noise of mean 0 and deviation about 1 with so many cells down and across."""
    grid = rng.standard_normal((cells[0] + 3, cells[1] + 3)).astype(np.float32)
    small = Image.fromarray(grid).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(small, np.float32)


def boards(rng: np.random.Generator, metres: tuple[float, float], dots: int) -> Floats:
    """Oak boards along y, ``dots`` pixels a metre: linear colour and height (h, w, 4)."""
    wide, long = metres
    shape = (round(long * dots), round(wide * dots))
    out = np.ones((*shape, 4), np.float32)
    board, length = round(0.178 * dots), round(2.1 * dots)
    for left in range(0, shape[1], board):
        top = -int(rng.integers(length))
        while top < shape[0]:
            rows = slice(max(top, 0), min(top + length, shape[0]))
            columns = slice(left, min(left + board, shape[1]))
            part = (rows.stop - rows.start, columns.stop - columns.start)
            out[rows, columns] = one_board(rng, part, dots)
            top += length
    return out


def one_board(rng: np.random.Generator, shape: tuple[int, int], dots: int) -> Floats:
    """One sawn board: rings of a trunk cut lengthwise, fibres, pores and bevelled edges."""
    down, across = shape
    y = np.arange(down, dtype=np.float32)[:, None] / dots
    x = (np.arange(across, dtype=np.float32)[None] - across / 2) / dots
    wander = cloud(rng, shape, (4, 1)) * 0.012
    depth = (
        rng.uniform(0.01, 0.09) + rng.uniform(-0.025, 0.025) * y + cloud(rng, shape, (6, 2)) * 0.004
    )
    rings = np.hypot(x + wander + rng.uniform(-0.05, 0.05), depth) * rng.uniform(150, 260)
    late = (rings % 1) ** 2.2
    fibre = cloud(rng, shape, (max(down // 60, 2), max(across // 2, 2)))
    pores = np.clip(cloud(rng, shape, (max(down // 24, 2), max(across // 2, 2))) - 1.5, 0, 1)
    tone = rng.normal(0, 0.1) - 0.24 * late + 0.05 * fibre - 0.22 * pores
    tone = tone + 0.03 * cloud(rng, shape, (5, 2))
    base = np.array([0.235, 0.122, 0.050], np.float32) * np.array(
        [1, 1 + rng.normal(0, 0.012), 1 + rng.normal(0, 0.035)], np.float32
    )
    edge_x = np.minimum(np.arange(across), across - 1 - np.arange(across))[None] / dots
    edge_y = np.minimum(np.arange(down), down - 1 - np.arange(down))[:, None] / dots
    bevel = np.clip(np.minimum(edge_x, edge_y) / 0.0022, 0, 1)
    colour = base * np.exp(tone)[..., None] * (0.3 + 0.7 * bevel)[..., None]
    height = 0.75 * bevel + 0.04 * (1 - late) + 0.01 * fibre - 0.05 * pores
    return np.concatenate([colour, np.clip(height, 0, 1)[..., None]], axis=-1).astype(np.float32)


def garden(rng: np.random.Generator) -> Floats:
    """A blurred garden under a pale sky, linear (h, w, 4)."""
    shape = (600, 1400)
    up = np.linspace(1, 0, shape[0], dtype=np.float32)[:, None]
    leaves = sum(
        cloud(rng, shape, (k, int(k * 2.3))) / (i + 1.2) for i, k in enumerate((6, 14, 34, 80))
    )
    trees = 0.74 + 0.07 * cloud(rng, shape, (1, 12)) + 0.02 * cloud(rng, shape, (20, 50))
    crown = np.clip((trees - up) / 0.05, 0, 1)[..., None]
    green = np.array([0.16, 0.24, 0.09], np.float32) * np.exp(0.42 * np.asarray(leaves))[..., None]
    lawn = (
        np.array([0.3, 0.38, 0.16], np.float32)
        * (1 + 0.06 * cloud(rng, shape, (40, 60)))[..., None]
    )
    sky = np.array([0.86, 0.94, 1.0], np.float32) * (0.85 + 0.3 * up)[..., None]
    view = sky + (green - sky) * crown
    view = view + (lawn - view) * np.clip((0.3 - up) / 0.03, 0, 1)[..., None]
    return np.concatenate([view, np.ones((*shape, 1), np.float32)], axis=-1).astype(np.float32)
