"""Gathered light on a coarse grid of the picture, spread to its samples along surfaces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .gather import Gatherer, cells
from .lens import Lens
from .scene import Scene
from .surface import Surface, surface_at
from .tone import luminance
from .vectors import dot
from .visibility import NOTHING

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
A = TypeVar("A", bound=np.generic)
POINTS, RAYS = 45_000, 32
"""Places and rays for each, where rays are cheap; a quarter of the places where they are not."""
SMOOTHING, UNLIKE = 2, 2.0
"""Radius of the mean in places; how little places count whose light differs."""


@dataclass(frozen=True, slots=True)
class LightGrid:
    """Light at every ``step``-th pixel.

    Arrays of shape (rows, columns, ...): ``known``; ``light`` (3); ``lean`` (3), see ``Gathered``;
    ``normal``, ``position`` (3) of the place it was gathered at.
    """

    step: int
    known: NDArray[np.bool_]
    light: Floats
    lean: Floats
    normal: Floats
    position: Floats

    def spread(self, surface: Surface) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Light and lean (n, 3) at samples, and for which the grid knows a fitting place."""
        total = np.zeros(len(surface), np.float32)
        mean = np.zeros((len(surface), 6), np.float32)
        rows, columns = self.known.shape
        place = (surface.pixels / self.step - 0.5).astype(np.float32)
        corner = np.floor(place).astype(np.int32)
        inner = (place - corner).astype(np.float32)
        for down in (0, 1):
            for right in (0, 1):
                x = np.clip(corner[:, 0] + right, 0, columns - 1)
                y = np.clip(corner[:, 1] + down, 0, rows - 1)
                near = np.abs(1 - right - inner[:, 0]) * np.abs(1 - down - inner[:, 1]) + 0.01
                weight, arrived = self._fitting(surface, y * columns + x, near.astype(np.float32))
                mean += arrived * weight[:, None]
                total += weight
        mean /= np.maximum(total, 1e-9)[:, None]
        return mean[:, :3], mean[:, 3:], total > 0.02

    def _fitting(self, surface: Surface, at: Ints, weight: Floats) -> tuple[Floats, Floats]:
        """``weight`` less on other surfaces; the light there leant to the samples' normals."""
        normal = self.normal.reshape(-1, 3)[at]
        apart = surface.position - self.position.reshape(-1, 3)[at]
        along = dot(normal, surface.normal)
        reach = surface.footprint * self.step
        off_plane = dot(apart, normal) / reach
        distance = dot(apart, apart) / (reach * reach)
        weight = weight * self.known.reshape(-1)[at] * np.maximum(along, 0) ** 8
        weight = weight * np.exp(-np.minimum(4 * off_plane**2 + 0.05 * distance, 30))
        lean = self.lean.reshape(-1, 3)[at]
        light = leant(self.light.reshape(-1, 3)[at], lean, surface.normal - normal)
        return weight, np.concatenate([light, lean], axis=1)


def leant(light: Floats, lean: Floats, change: Floats) -> Floats:
    """``light`` (n, 3) after its normal changed by ``change`` (n, 3)."""
    brightness = np.maximum(luminance(light), 1e-4)
    factor = 1 + dot(lean, change) / brightness
    return np.asarray(light * np.clip(factor, 0.4, 1.7)[:, None], np.float32)


def gather_grid(
    scene: Scene, lens: Lens, face_of: NDArray[np.int32], gatherer: Gatherer
) -> LightGrid:
    """Gathers light on the furniture that ``face_of`` (h, w) shows."""
    exact = gatherer.visibility.exact
    points = POINTS if exact else POINTS // 4
    step = max(2, int(np.ceil(np.sqrt((face_of != NOTHING).sum() / points))))
    coarse = face_of[step // 2 :: step, step // 2 :: step]
    rows, columns = np.nonzero(coarse != NOTHING)
    middles = np.stack([columns, rows], axis=1) * step + (step // 2 + 0.5)
    surface = surface_at(scene, lens, coarse[rows, columns], middles.astype(np.float64))
    found = gatherer.at(
        surface.position,
        surface.normal,
        cells(columns.astype(np.int32), rows.astype(np.int32)),
        RAYS if exact else RAYS // 2,
    )
    shape = (-(-face_of.shape[0] // step), -(-face_of.shape[1] // step))
    fill = _Filler(shape, rows, columns)
    known = fill(np.ones(len(rows), np.bool_))
    grid = LightGrid(
        step,
        known,
        fill(found.light),
        fill(found.lean),
        fill(surface.normal),
        fill(surface.position),
    )
    return _smoothed(grid, fill(surface.footprint))


@dataclass(frozen=True, slots=True)
class _Filler:
    shape: tuple[int, int]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    def __call__(self, values: NDArray[A]) -> NDArray[A]:
        grid = np.zeros((*self.shape, *values.shape[1:]), values.dtype)
        grid[self.rows, self.columns] = values
        return grid


def _smoothed(grid: LightGrid, footprint: Floats) -> LightGrid:
    """Averages neighbours on the same surface, along rows and then along columns."""
    values = np.concatenate([grid.light, grid.lean], axis=2)
    reach = np.maximum(footprint * grid.step, 1e-6)
    for axis in (1, 0):
        values = _mean_along(grid, values, reach, axis)
    return replace(grid, light=values[..., :3], lean=values[..., 3:])


def _mean_along(grid: LightGrid, values: Floats, reach: Floats, axis: int) -> Floats:
    total = grid.known.astype(np.float32)
    brightness = np.maximum(luminance(values[..., :3]), 1e-3)
    mean = values * total[..., None]
    for by in range(-SMOOTHING, SMOOTHING + 1):
        if by == 0:
            continue
        here, there = _shifted(grid.known.shape, by, axis)
        normal = grid.normal[here]
        along = np.maximum(dot(normal, grid.normal[there]), 0)
        off_plane = dot(grid.position[here] - grid.position[there], normal) / reach[here]
        weight = np.float32(1 - abs(by) / (SMOOTHING + 1)) * grid.known[there] * along**16
        unlike = np.log(brightness[here] / brightness[there])
        weight *= np.exp(-np.minimum(2 * off_plane**2 + UNLIKE * unlike**2, 30))
        mean[here] += values[there] * weight[..., None]
        total[here] += weight
    return np.asarray(mean / np.maximum(total, 1e-9)[..., None], np.float32)


def _shifted(
    shape: tuple[int, ...], by: int, axis: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a grid and itself moved by ``by`` along ``axis`` overlap."""
    size = shape[axis]
    here = slice(max(0, -by), size - max(0, by))
    there = slice(max(0, by), size + min(0, by))
    if axis == 0:
        return (here, slice(None)), (there, slice(None))
    return (slice(None), here), (slice(None), there)
