"""Visibility in plain numpy: a z-buffer for the camera, small cubes for the light."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .lens import Lens
from .scene import Scene
from .visibility import NOTHING, Faces, Floats
from .voxels import Voxels

Doubles = NDArray[np.float64]
Longs = NDArray[np.int64]
SPANS_AT_ONCE = 1 << 19
PIXELS_AT_ONCE = 1 << 20


class NumpyVisibility:
    """Scan conversion by spans; a ray's way through the furniture by cubes of a few centimetres."""

    exact = False

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    @cached_property
    def _voxels(self) -> Voxels:
        return Voxels(self._scene)

    def seen(self, lens: Lens, pixels: Longs, offset: tuple[float, float] = (0.0, 0.0)) -> Faces:
        width, height = lens.camera.width, lens.camera.height
        slot = np.full(width * height, NOTHING, np.int32)
        slot[pixels] = np.arange(len(pixels), dtype=np.int32)
        nearest = np.zeros(len(pixels))
        found = np.full(len(pixels), NOTHING, np.int32)
        middle = np.array(offset) + 0.5
        for faces, rows, first, last in _spans(lens, offset):
            for face, row, x in _pixels(faces, rows, first, last):
                place = slot[row * width + x]
                nearness = _nearness(lens, face, np.stack([x, row], axis=1) + middle)
                _keep_nearest(nearest, found, place, face, nearness)
        return found

    def hit(self, origins: Floats, directions: Floats) -> Faces:
        if len(self._scene.faces) == 0:
            return np.full(len(origins), NOTHING, np.int32)
        return self._voxels.hit(origins, directions)


def _keep_nearest(
    nearest: Doubles, found: Faces, place: Faces, face: Longs, nearness: Doubles
) -> None:
    """Notes each face (n,) in its place (n,), unless something nearer is there or nobody asks."""
    asked = place >= 0
    place, face, nearness = place[asked], face[asked], nearness[asked]
    np.maximum.at(nearest, place, nearness)
    wins = nearness == nearest[place]
    found[place[wins]] = face[wins]


def _nearness(lens: Lens, faces: Longs, pixels: Doubles) -> Doubles:
    total = lens.weights.sum(axis=1)[faces]
    return np.asarray(total[:, 0] * pixels[:, 0] + total[:, 1] * pixels[:, 1] + total[:, 2])


def _spans(lens: Lens, offset: tuple[float, float]) -> Iterator[tuple[Longs, Longs, Longs, Longs]]:
    """Faces with their rows and the first and last pixel covered in each."""
    top, count = _row_ranges(lens, offset)
    ends = np.cumsum(count)
    start = 0
    while start < len(count):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + SPANS_AT_ONCE, side="right")))
        faces = np.repeat(np.arange(start, stop), count[start:stop])
        rows = _ramps(top[start:stop], count[start:stop])
        first, last = _row_extent(lens, faces, rows, offset)
        some = last >= first
        yield faces[some], rows[some], first[some], last[some]
        start = stop


def _row_ranges(lens: Lens, offset: tuple[float, float]) -> tuple[Longs, Longs]:
    """First row and number of rows of every face; all rows where it reaches behind the camera."""
    height = lens.camera.height
    corners, behind, lost = _corner_rows(lens)
    low = np.where(behind, 0.0, corners.min(axis=1) - 0.5 - offset[1])
    high = np.where(behind, height - 1.0, corners.max(axis=1) - 0.5 - offset[1])
    top = np.ceil(np.clip(low, 0, height)).astype(np.int64)
    bottom = np.floor(np.clip(high, -1, height - 1)).astype(np.int64)
    count = np.where(lost, 0, np.maximum(bottom - top + 1, 0))
    return top, count


def _corner_rows(lens: Lens) -> tuple[Doubles, NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows (m, 3) of the corners; which faces reach behind the camera; which cannot be seen."""
    lost = np.abs(lens.weights).sum(axis=(1, 2)) == 0
    weights = np.where(lost[:, None, None], np.eye(3), lens.weights)
    corners = np.linalg.inv(weights)
    depth = corners[:, 2]
    behind = np.asarray((depth <= 1e-6).any(axis=1))
    rows = corners[:, 1] / np.where(depth <= 1e-6, 1.0, depth)
    return rows, behind, np.asarray(lost | (depth <= 1e-6).all(axis=1))


def _row_extent(
    lens: Lens, faces: Longs, rows: Longs, offset: tuple[float, float]
) -> tuple[Longs, Longs]:
    """First and last pixel of each (face, row) in which all three weights are positive."""
    y = rows + 0.5 + offset[1]
    weights = lens.weights[faces]
    slope = weights[:, :, 0]
    rest = weights[:, :, 1] * y[:, None] + weights[:, :, 2]
    flat = slope == 0
    crossing = -rest / np.where(flat, 1.0, slope) - 0.5 - offset[0]
    empty = (flat & (rest < 0)).any(axis=1)
    low = np.where(slope > 0, crossing, -np.inf).max(axis=1)
    high = np.where(slope < 0, crossing, np.inf).min(axis=1)
    width = lens.camera.width
    first = np.ceil(np.clip(low, 0, width)).astype(np.int64)
    last = np.floor(np.clip(high, -1, width - 1)).astype(np.int64)
    return first, np.where(empty, first - 1, last)


def _pixels(
    faces: Longs, rows: Longs, first: Longs, last: Longs
) -> Iterator[tuple[Longs, Longs, Longs]]:
    """The spans pixel by pixel, a bounded number at once."""
    length = last - first + 1
    ends = np.cumsum(length)
    start = 0
    while start < len(length):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + PIXELS_AT_ONCE, side="right")))
        part = slice(start, stop)
        x = _ramps(first[part], length[part])
        yield np.repeat(faces[part], length[part]), np.repeat(rows[part], length[part]), x
        start = stop


def _ramps(starts: Longs, counts: Longs) -> Longs:
    """``starts[i], starts[i] + 1, ...`` for ``counts[i]`` numbers each, one after the other."""
    total = int(counts.sum())
    begins = np.cumsum(counts) - counts
    return np.arange(total) - np.repeat(begins - starts, counts)
