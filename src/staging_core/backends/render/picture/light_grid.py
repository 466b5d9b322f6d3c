"""Gathered light on a coarse grid of the picture, spread to its samples along surfaces."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .gather import Gatherer, cells
from .lens import Lens
from .light_field import LightField
from .scene import Scene
from .surface import Surface, surface_at
from .tone import luminance
from .vectors import dot
from .visibility import NOTHING

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
POINTS, RAYS = 40_000, 32
"""Places and rays for each, where rays are cheap; a quarter of the places where they are not."""
SMOOTHING, UNLIKE = 3, 1.0
"""Radius of the mean in places; how little places count whose light differs."""
KNOWN, LIGHT, LEAN, KEPT = 0, slice(1, 4), slice(4, 7), 7
NORMAL, POSITION, WIDTH = slice(8, 11), slice(11, 14), 14
FITTING, OPEN = 0.02, 0.8


@dataclass(frozen=True, slots=True)
class LightGrid:
    """Light at every ``step``-th pixel.

    ``places`` (rows, columns, 14): whether light is known (0 or 1), the light, how it leans (see
    ``Gathered``), the share kept in the furnished room, and the normal and position there.
    """

    step: int
    places: Floats
    field: LightField

    def spread(self, surface: Surface) -> tuple[Floats, Floats]:
        """Light and lean (n, 3) at samples.

        Where the grid knows no place on the same surface, as on thin legs, the empty room's light
        is taken, less what the nearest places have lost.
        """
        total, loose, kept = np.zeros((3, len(surface)), np.float32)
        mean = np.zeros((len(surface), 6), np.float32)
        for at, share in self._around(surface.pixels):
            places = self.places.reshape(-1, WIDTH)[at]
            near = share * places[:, KNOWN]
            weight, light = _fitting(surface, places, near, self.step)
            mean[:, :3] += light * weight[:, None]
            mean[:, 3:] += places[:, LEAN] * weight[:, None]
            total += weight
            kept += near * places[:, KEPT]
            loose += near
        mean /= np.maximum(total, 1e-9)[:, None]
        lost = np.flatnonzero(total < FITTING)
        left = np.where(loose[lost] > 0, kept[lost] / np.maximum(loose[lost], 1e-9), OPEN)
        light, lean = self.field.at(surface.position[lost], surface.normal[lost])
        mean[lost, :3], mean[lost, 3:] = light * left[:, None], lean * left[:, None]
        return mean[:, :3], mean[:, 3:]

    def _around(self, pixels: Floats) -> list[tuple[Ints, Floats]]:
        """The four places (n,) about each of ``pixels`` (n, 2), and how near they are (n,) 0..1."""
        rows, columns = self.places.shape[:2]
        place = (pixels / self.step - 0.5).astype(np.float32)
        corner = np.floor(place).astype(np.int32)
        inner = (place - corner).astype(np.float32)
        found = []
        for down, right in np.ndindex(2, 2):
            x = np.clip(corner[:, 0] + right, 0, columns - 1)
            y = np.clip(corner[:, 1] + down, 0, rows - 1)
            near = np.abs(1 - right - inner[:, 0]) * np.abs(1 - down - inner[:, 1]) + 0.01
            found.append((y * columns + x, near.astype(np.float32)))
        return found


def _fitting(surface: Surface, places: Floats, near: Floats, step: int) -> tuple[Floats, Floats]:
    """``near`` less on other surfaces; the light there (n, 3) leant to the samples' normals."""
    normal = places[:, NORMAL]
    apart = surface.position - places[:, POSITION]
    reach = 1 / (surface.footprint * step)
    off_plane = dot(apart, normal) * reach
    distance = dot(apart, apart) * reach * reach
    same = np.square(np.square(np.square(np.maximum(dot(normal, surface.normal), 0))))
    weight = near * same * np.exp(-np.minimum(4 * off_plane**2 + 0.05 * distance, 30))
    return weight, leant(places[:, LIGHT], places[:, LEAN], surface.normal - normal)


def leant(light: Floats, lean: Floats, change: Floats) -> Floats:
    """``light`` (n, 3) after its normal changed by ``change`` (n, 3)."""
    factor = 1 + dot(lean, change) / np.maximum(luminance(light), 1e-4)
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
    places = np.zeros((*coarse.shape, WIDTH), np.float32)
    places[rows, columns] = np.column_stack(
        [
            np.ones(len(rows), np.float32),
            found.light,
            found.lean,
            luminance(found.kept),
            surface.normal,
            surface.position,
        ]
    )
    reach = np.full(coarse.shape, 1e-6, np.float32)
    reach[rows, columns] = surface.footprint * step
    return _smoothed(LightGrid(step, places, gatherer.field), reach)


def _smoothed(grid: LightGrid, reach: Floats) -> LightGrid:
    """Averages neighbours on the same surface, along rows and then along columns."""
    places = grid.places
    for axis in (1, 0):
        places = _mean_along(places, reach, axis)
    return replace(grid, places=places)


def _mean_along(places: Floats, reach: Floats, axis: int) -> Floats:
    """``places``, their light averaged along ``axis``; ``reach`` (rows, columns): metres apart."""
    values, known = places[..., LIGHT.start : KEPT + 1], places[..., KNOWN]
    brightness = np.maximum(luminance(places[..., LIGHT]), 1e-3)
    total, mean = known.copy(), values * known[..., None]
    for by in range(-SMOOTHING, SMOOTHING + 1):
        if by == 0:
            continue
        here, there = _shifted(known.shape, by, axis)
        normal = places[here][..., NORMAL]
        along = np.maximum(dot(normal, places[there][..., NORMAL]), 0)
        apart = places[here][..., POSITION] - places[there][..., POSITION]
        off_plane = dot(apart, normal) / reach[here]
        unlike = np.log(brightness[here] / brightness[there])
        weight = np.float32(1 - abs(by) / (SMOOTHING + 1)) * known[there] * along**16
        weight *= np.exp(-np.minimum(2 * off_plane**2 + UNLIKE * unlike**2, 30))
        mean[here] += values[there] * weight[..., None]
        total[here] += weight
    result = places.copy()
    result[..., LIGHT.start : KEPT + 1] = mean / np.maximum(total, 1e-9)[..., None]
    return result


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
