"""Light gathered at points of the room, by rays spread over the hemisphere above each."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .light_field import LightField
from .photo_light import PhotoLight
from .scene import Scene
from .tone import luminance
from .vectors import dot, mean_of_rays
from .visibility import NOTHING, Visibility

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
T = TypeVar("T")
PATTERN = 16
"""Every point of a grid has rays of its own; they repeat after 16 x 16 points."""
RAYS_AT_ONCE = 1 << 17
LIFT_M = 0.002


@dataclass(frozen=True, slots=True)
class Gathered:
    """Light at places of the furnished room.

    ``kept`` (n, 3): the share of the empty room's light that still arrives; ``light`` (n, 3): what
    a white surface would send back; ``lean`` (n, 3): the gradient of its brightness by the normal.
    """

    kept: Floats
    light: Floats
    lean: Floats


@dataclass(frozen=True, slots=True)
class Gatherer:
    """Follows rays through one furnished room.

    ``field``: the light of the empty room; ``bounce`` (2, m, 3): light leaving each face's front
    and back; ``normals`` (m, 3): the faces' own.
    """

    light: PhotoLight
    field: LightField
    visibility: Visibility
    normals: Floats
    bounce: Floats

    def at(self, points: Floats, normals: Floats, cell: Ints, rays: int) -> Gathered:
        """Gathers with ``rays`` rays at points (n, 3) with unit normals (n, 3).

        ``cell`` (n,): 0..255, each point's place in the pattern of rays. The rays only tell which
        share of the light is kept, with and without furniture on the same ones; the
        light itself comes from the field, which has no noise.
        """
        local = hemisphere(rays)
        kept = np.concatenate(
            in_batches(
                len(points),
                max(1, RAYS_AT_ONCE // rays),
                lambda part: self._kept(points[part], normals[part], local[cell[part]]),
            )
        )
        light, lean = self.field.at(points, normals)
        return Gathered(kept, light * kept, lean * luminance(kept)[:, None])

    def _kept(self, points: Floats, normals: Floats, local: Floats) -> Floats:
        rays = local.shape[1]
        directions = turned(local, normals).reshape(-1, 3)
        origins = np.repeat(points + normals * LIFT_M, rays, axis=0)
        free = self.light.along(origins, directions)
        seen = self.furnished(origins, directions, free)
        kept = mean_of_rays(seen, rays) / np.maximum(mean_of_rays(free, rays), 1e-4)
        return np.asarray(kept, np.float32)

    def furnished(self, origins: Floats, directions: Floats, free: Floats) -> Floats:
        """Light (n, 3) along rays: ``free`` where they meet no furniture, else what that sends."""
        face = self.visibility.hit(origins, directions)
        met = np.flatnonzero(face != NOTHING)
        seen = free.copy()
        hit = face[met]
        back = dot(self.normals[hit], directions[met]) > 0
        seen[met] = self.bounce[back.astype(np.int8), hit]
        return seen


def in_batches(total: int, size: int, work: Callable[[slice], T]) -> list[T]:
    """Runs ``work`` on slices of ``range(total)`` on a few threads; the answers come in order."""
    parts = [slice(start, min(start + size, total)) for start in range(0, max(total, 1), size)]
    threads = min(4, os.cpu_count() or 1, len(parts))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, parts))


def hemisphere(rays: int) -> Floats:
    """Cosine-weighted unit directions (256, rays, 3) about +z, one even set for each cell."""
    first, second = np.moveaxis(np.mod(_sequence(rays)[None] + _shifts()[:, None], 1.0), 2, 0)
    radius, angle = np.sqrt(first), 2 * np.pi * second
    up = np.sqrt(np.maximum(1 - first, 1e-6))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), up], axis=2).astype(np.float32)


def _shifts() -> NDArray[np.float64]:
    """How far (256, 2) each cell moves the sequence.

    Cells along a Z-order curve take the points of a Halton sequence one after the other, so that
    the cells of every small neighbourhood spread evenly (after Ahmed and Wonka, 2020).
    """
    row, column = np.divmod(np.arange(PATTERN * PATTERN), PATTERN)
    order = np.zeros_like(row)
    for bit in range(4):
        order |= ((row >> bit & 1) << 2 * bit + 1) | ((column >> bit & 1) << 2 * bit)
    return np.stack([_radical_inverse(order, 2), _radical_inverse(order, 3)], axis=1)


def _radical_inverse(numbers: NDArray[np.int64], base: int) -> NDArray[np.float64]:
    """Numbers (n,) with their digits mirrored at the point, 0..1."""
    result, share = np.zeros(len(numbers)), 1.0
    while numbers.any():
        share /= base
        numbers, digit = np.divmod(numbers, base)
        result += digit * share
    return result


def _sequence(count: int) -> NDArray[np.float64]:
    """The first points (count, 2) of the R2 low-discrepancy sequence (Roberts, 2018)."""
    steps = np.array([0.7548776662466927, 0.5698402909980532])
    return np.asarray(np.mod(0.5 + np.arange(count)[:, None] * steps, 1.0))


def turned(local: Floats, normals: Floats) -> Floats:
    """Directions (n, k, 3) about +z, turned to stand about normals (n, 3) (Duff et al., 2017)."""
    x, y, z = normals.T
    sign = np.where(z >= 0, np.float32(1), np.float32(-1))
    a = -1 / (sign + z)
    b = x * y * a
    tangent = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=1)
    other = np.stack([b, sign + y * y * a, -y], axis=1)
    return np.asarray(
        local[..., :1] * tangent[:, None]
        + local[..., 1:2] * other[:, None]
        + local[..., 2:] * normals[:, None],
        np.float32,
    )


def cells(columns: Ints, rows: Ints) -> Ints:
    """Place (n,) 0..255 of grid points in the repeating pattern of rays."""
    return np.asarray((rows % PATTERN) * PATTERN + columns % PATTERN, np.int32)


def bounces(scene: Scene, field: LightField, light: PhotoLight) -> Floats:
    """Light (2, m, 3) leaving each face's front and back: albedo times a guess of its light.

    In gathered units, before ``exposure``.
    """
    middles, normals = scene.corners().mean(axis=1), scene.face_normals()
    albedo = np.array([m.albedo for m in scene.materials], np.float32).reshape(-1, 3)[scene.part]
    glow = np.array([m.glow for m in scene.materials], np.float32)[scene.part, None]
    sides = []
    for facing in (normals, -normals):
        arriving, _ = field.at(middles, facing)
        # What looks down near the floor stands in its own shadow.
        shade = np.where(facing[:, 2] < -0.3, np.clip(middles[:, 2] / 1.2, 0.05, 0.5), 0.7)
        sides.append(albedo * (arriving * shade[:, None] + glow * light.white / light.exposure))
    return np.stack(sides).astype(np.float32)
