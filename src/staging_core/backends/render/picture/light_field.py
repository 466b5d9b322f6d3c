"""Light in the empty room, known in advance everywhere and in every direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .photo_light import PhotoLight
from .tone import luminance

Floats = NDArray[np.float32]
GRID = (7, 7, 5)
DIRECTIONS = 512
MARGIN = 0.06
LEAST = 0.15
"""Share of a place's mean light that its darkest side still gets: bounds the series' ringing."""


@dataclass(frozen=True, slots=True)
class LightField:
    """Irradiance as second-order spherical harmonics on a grid of places (Ramamoorthi and
    Hanrahan, 2001), in units of what a white surface sends back.

    ``low``, ``high`` (3,): the grid's corners in metres; ``terms`` (x, y, z, 27): nine for each of
    red, green and blue.
    """

    low: Floats
    high: Floats
    terms: Floats

    @classmethod
    def of(cls, light: PhotoLight) -> LightField:
        """The field of a room lit by ``light``, without furniture."""
        inset = MARGIN * (light.high - light.low)
        low, high = light.low + inset, light.high - inset
        axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, GRID, strict=True)]
        places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        directions = _sphere(DIRECTIONS)
        origins = np.repeat(places.astype(np.float32), DIRECTIONS, axis=0)
        seen = light.along(origins, np.tile(directions, (len(places), 1)))
        weights = _harmonics(directions) * _BANDS * np.float32(4 * np.pi / DIRECTIONS)
        terms = weights.T @ seen.reshape(len(places), DIRECTIONS, 3)
        return cls(low, high, terms.reshape(*GRID, 27).astype(np.float32))

    def at(self, points: Floats, normals: Floats) -> tuple[Floats, Floats]:
        """Light (n, 3) on surfaces at points (n, 3), and how its brightness leans (n, 3).

        The lean is the gradient of brightness by the normal, first order.
        """
        terms = self._terms(points).reshape(-1, 9, 3)
        light = (_harmonics(normals)[:, None] @ terms)[:, 0]
        least = LEAST * _CONSTANT * terms[:, 0]
        slope = luminance(terms[:, 1:4]) * np.float32(_FIRST)
        return np.maximum(light, least), slope[:, (2, 0, 1)]

    def _terms(self, points: Floats) -> Floats:
        """The terms (n, 27) between the grid's places."""
        shape = np.array(GRID, np.float32)
        place = (points - self.low) / (self.high - self.low) * (shape - 1)
        place = np.clip(place, 0, shape - 1.001)
        corner = place.astype(np.int32)
        inner = place - corner
        flat = self.terms.reshape(-1, 27)
        total = np.zeros((len(points), 27), np.float32)
        for dx, dy, dz in np.ndindex(2, 2, 2):
            ends = np.abs(np.array([1 - dx, 1 - dy, 1 - dz], np.float32) - inner)
            x, y, z = corner[:, 0] + dx, corner[:, 1] + dy, corner[:, 2] + dz
            share = ends[:, 0] * ends[:, 1] * ends[:, 2]
            total += flat[(x * GRID[1] + y) * GRID[2] + z] * share[:, None]
        return total


_CONSTANT, _FIRST, _SECOND = 0.2820948, 0.4886025, 1.0925484
_BANDS = np.array([1] + [2 / 3] * 3 + [1 / 4] * 5, np.float32)


def _harmonics(directions: Floats) -> Floats:
    """The nine real spherical harmonics (n, 9) of unit directions (n, 3)."""
    x, y, z = directions.T
    terms = [
        np.full_like(x, _CONSTANT),
        _FIRST * y,
        _FIRST * z,
        _FIRST * x,
        _SECOND * x * y,
        _SECOND * y * z,
        0.3153916 * (3 * z * z - 1),
        _SECOND * x * z,
        0.5462742 * (x * x - y * y),
    ]
    return np.stack(terms, axis=1).astype(np.float32)


def _sphere(count: int) -> Floats:
    """Directions (count, 3) spread evenly over the sphere (a Fibonacci spiral)."""
    index = np.arange(count) + 0.5
    up, turn = 1 - 2 * index / count, np.pi * (1 + 5**0.5) * index
    flat = np.sqrt(1 - up * up)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), up], axis=1).astype(np.float32)
