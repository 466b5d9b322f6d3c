"""Light gathered at points of the room, by rays spread over the hemisphere above each."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .photo_light import PhotoLight
from .scene import Scene
from .tone import luminance
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
    """Mean light over a cosine-weighted hemisphere: what a white surface would send back.

    ``light`` (n, 3); ``open`` (n, 3) the same without furniture in the way; ``lean`` (n, 3) by
    which brightness grows as the normal leans in a direction.
    """

    light: Floats
    open: Floats
    lean: Floats


@dataclass(frozen=True, slots=True)
class Gatherer:
    """Follows rays through one furnished room.

    ``bounce`` (2, m, 3): light leaving each face's front and back.
    """

    light: PhotoLight
    visibility: Visibility
    normals: Floats
    bounce: Floats

    def at(self, points: Floats, normals: Floats, cell: Ints, rays: int) -> Gathered:
        """Gathers with ``rays`` rays at points (n, 3) with unit normals (n, 3).

        ``cell`` (n,): 0..255, each point's place in the pattern of rays.
        """
        local = hemisphere(rays)
        results = in_batches(
            len(points),
            max(1, RAYS_AT_ONCE // rays),
            lambda part: self._batch(points[part], normals[part], local[cell[part]]),
        )
        light, free, lean = (np.concatenate(arrays) for arrays in zip(*results, strict=True))
        return Gathered(light, free, lean)

    def _batch(self, points: Floats, normals: Floats, local: Floats) -> tuple[Floats, ...]:
        rays = local.shape[1]
        directions = turned(local, normals).reshape(-1, 3)
        origins = np.repeat(points + normals * LIFT_M, rays, axis=0)
        free = self.light.along(origins, directions)
        seen = self.furnished(origins, directions, free)
        cosine = np.maximum(local[..., 2:], 0.25)
        push = directions.reshape(-1, rays, 3) * (luminance(seen).reshape(-1, rays, 1) / cosine)
        shape = (-1, rays, 3)
        return seen.reshape(shape).mean(axis=1), free.reshape(shape).mean(axis=1), push.mean(axis=1)

    def furnished(self, origins: Floats, directions: Floats, free: Floats) -> Floats:
        """Light (n, 3) along rays: ``free`` where they meet no furniture, else what that sends."""
        face = self.visibility.hit(origins, directions)
        met = np.flatnonzero(face != NOTHING)
        seen = free.copy()
        hit = face[met]
        back = (self.normals[hit] * directions[met]).sum(axis=1) > 0
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
    """How far (256, 2) each cell moves the sequence: neighbours move it in unlike ways."""
    row, column = np.divmod(np.arange(PATTERN * PATTERN), PATTERN)
    near = np.stack(
        [row * 0.7548776662 + column * 0.5698402910, row * 0.4142135624 + column * 0.6180339887],
        axis=1,
    )
    return np.asarray(np.mod(near, 1.0))


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


def box_irradiance(light: PhotoLight, point: Floats) -> Floats:
    """Light (6, 3) on surfaces at ``point`` that face -x, +x, -y, +y, -z, +z of the empty room."""
    normals = np.concatenate([[-axis, axis] for axis in np.eye(3)]).astype(np.float32)
    local = hemisphere(1024)[:1]
    directions = turned(np.repeat(local, 6, axis=0), normals).reshape(-1, 3)
    origins = np.repeat(point[None].astype(np.float32), len(directions), axis=0)
    return np.asarray(light.along(origins, directions).reshape(6, -1, 3).mean(axis=1))


def bounces(scene: Scene, light: PhotoLight) -> Floats:
    """Light (2, m, 3) leaving each face's front and back: albedo times a guess of its light.

    In gathered units, before ``exposure``.
    """
    if len(scene.faces) == 0:
        return np.zeros((2, 0, 3), np.float32)
    middles = scene.corners().mean(axis=1)
    cube = box_irradiance(light, middles.mean(axis=0))
    albedo = np.array([m.albedo for m in scene.materials], np.float32)[scene.part]
    glow = np.array([m.glow for m in scene.materials], np.float32)[scene.part, None]
    normals = scene.face_normals()
    sides = []
    for facing in (normals, -normals):
        squares = facing**2
        arriving = sum(
            squares[:, i, None] * np.where(facing[:, i, None] < 0, cube[2 * i], cube[2 * i + 1])
            for i in range(3)
        )
        # What looks down near the floor stands in its own shadow.
        shade = np.where(facing[:, 2] < -0.3, np.clip(middles[:, 2] / 0.6, 0.05, 1), 0.8)
        sides.append(albedo * (arriving * shade[:, None] + glow * light.white / light.exposure))
    return np.stack(sides).astype(np.float32)
