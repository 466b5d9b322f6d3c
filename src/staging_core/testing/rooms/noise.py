"""Repeatable noise and pattern coverage for the surfaces of synthetic rooms."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

ROW = 4096  # cv2.remap takes no axis longer than 32,767, so flat samples go through it in rows


def sample(table: Floats, x: Floats, y: Floats, *, wrap: bool) -> Floats:
    """Bilinear values (n,) or (n, c) of a table (h, w) or (h, w, c) at columns and rows (n,)."""
    rows = -(-x.size // ROW)
    maps = np.zeros((2, rows * ROW), np.float32)
    maps[0, : x.size], maps[1, : x.size] = x, y
    border = cv2.BORDER_WRAP if wrap else cv2.BORDER_REPLICATE
    shape = (rows, ROW)
    found = cv2.remap(
        table, maps[0].reshape(shape), maps[1].reshape(shape), cv2.INTER_LINEAR, borderMode=border
    )
    return np.asarray(found, np.float32).reshape(-1, *table.shape[2:])[: x.size]


_SMALLEST = 1e-9  # metres; a sample seen edge-on has no extent


class Noise:
    """Smooth noise of mean 0 and deviation 1 over the plane, and random numbers by cell."""

    def __init__(self, rng: np.random.Generator) -> None:
        white = rng.standard_normal((256, 256)).astype(np.float32)
        tiled = cv2.GaussianBlur(np.tile(white, (3, 3)), (0, 0), 1.0)[256:512, 256:512]
        self._smooth = np.ascontiguousarray(tiled / tiled.std(), np.float32)
        self._cells = rng.random(4096).astype(np.float32)

    def smooth(self, u: Floats, v: Floats, cell_u: float, cell_v: float) -> Floats:
        """Noise at metres ``u, v`` whose blobs measure about ``cell_u`` x ``cell_v`` metres."""
        x, y = np.mod(u / (cell_u / 2), 256), np.mod(v / (cell_v / 2), 256)
        return sample(self._smooth, x, y, wrap=True)

    def cell(self, i: Floats, j: Floats, salt: int = 0) -> Floats:
        """A number in 0..1 for every integer cell."""
        key = i.astype(np.int64) * 73 + j.astype(np.int64) * 151 + salt * 977
        numbers: Floats = self._cells[np.bitwise_and(key, 4095)]
        return numbers


def band(distance: Floats, half_width: float, size: Floats) -> Floats:
    """Share 0..1 of a sample of extent ``size`` that a line of ``2 * half_width`` covers."""
    size = np.maximum(size, _SMALLEST)
    whole = np.minimum(1, 2 * half_width / size)
    covered: Floats = np.clip((half_width - distance) / size + 0.5, 0, whole)
    return covered


def inside(value: Floats, low: float, high: float, size: Floats) -> Floats:
    """Share 0..1 of a sample that lies between ``low`` and ``high``."""
    return band(np.abs(value - (low + high) / 2), (high - low) / 2, size)


def fade(cell: float, size: Floats) -> Floats:
    """How much of a pattern of period ``cell`` survives sampling at ``size``, 0..1."""
    left: Floats = np.clip(cell / np.maximum(size, _SMALLEST) - 1, 0, 1)
    return left


def mix(colour: Floats, other: Floats, share: Floats) -> Floats:
    """Colours (n, 3) moved towards ``other`` by ``share`` (n,)."""
    return colour + (other - colour) * share[:, None]
