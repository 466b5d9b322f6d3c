"""Light lost to furniture at places of the bare floor and walls, on a grid of the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera

from .gather import Gatherer, cells
from .lens import rays
from .photo_light import exits
from .tone import luminance
from .visibility import NOTHING

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
BEHIND_TRUST = 1e-3
DEEP = (0.25, 0.6)
"""From the first to the second share of lost light, means become narrow."""


@dataclass(frozen=True, slots=True)
class Bare:
    """The room's box as the camera sees it without furniture."""

    camera: Camera
    low: Floats
    high: Floats

    def seen(self, middles: Doubles) -> tuple[Ints, Floats]:
        """The box's face (n,) and point (n, 3) that picture coordinates (n, 2) show."""
        ways = rays(self.camera, middles)
        foot = np.array([0, 0, self.camera.height_m], np.float32)
        face, distance = exits(self.low, self.high, np.broadcast_to(foot, ways.shape), ways)
        return face, foot + ways * distance[:, None]


@dataclass(frozen=True, slots=True)
class ShadowGrid:
    """Light lost at every ``step``-th pixel.

    ``lost`` (rows, columns, 3) is a share of the light there; ``face`` (rows, columns): the box's
    face of each place, -1 where nothing was gathered; ``trust`` (rows, columns): next to nothing
    behind furniture, whose underside must not darken what lies beside it.
    """

    step: int
    bare: Bare
    lost: Floats
    face: Ints
    trust: Floats

    @classmethod
    def gathered(
        cls, bare: Bare, face_of: Ints, face: Ints, gatherer: Gatherer, *, step: int, rays: int
    ) -> ShadowGrid:
        """Gathers where ``face`` (rows, columns) names a face of the box.

        ``face_of`` (h, w): the furniture in the picture.
        """
        rows, columns = np.nonzero(face >= 0)
        _, points = bare.seen(grid_middles(rows, columns, step))
        found = gatherer.at(
            points,
            _inward(face[rows, columns]),
            cells(columns.astype(np.int32), rows.astype(np.int32)),
            rays,
        )
        lost = np.zeros((*face.shape, 3), np.float32)
        lost[rows, columns] = 1 - found.kept
        trust = np.where(coarse(face_of, step) != NOTHING, BEHIND_TRUST, 1).astype(np.float32)
        return cls(step, bare, lost, face, trust)

    def smoothed(self, narrow: int, wide: int) -> ShadowGrid:
        """Means of neighbours on the same face, over ``wide`` cells where shadows are faint."""
        result = np.zeros_like(self.lost)
        for face in np.unique(self.face[self.face >= 0]):
            here = self.trust * (self.face == face)
            near, far = (_mean(self.lost, here, radius) for radius in (narrow, wide))
            depth = np.clip((luminance(near)[..., None] - DEEP[0]) / (DEEP[1] - DEEP[0]), 0, 1)
            result += (here > 0)[..., None] * (far + (near - far) * depth)
        return replace(self, lost=result)

    def at(self, middles: Doubles, face: Ints) -> tuple[Floats, Floats]:
        """Light lost (n, 3) at picture coordinates (n, 2) on ``face`` (n,), and its weight (n,)."""
        rows, columns = self.face.shape
        place = middles / self.step - 0.5
        corner = np.floor(place).astype(np.int32)
        inner = (place - corner).astype(np.float32)
        total: Floats = np.zeros(len(middles), np.float32)
        lost: Floats = np.zeros((len(middles), 3), np.float32)
        for down in (0, 1):
            for right in (0, 1):
                x = np.clip(corner[:, 0] + right, 0, columns - 1)
                y = np.clip(corner[:, 1] + down, 0, rows - 1)
                near = np.abs(1 - right - inner[:, 0]) * np.abs(1 - down - inner[:, 1])
                weight = near * (self.face[y, x] == face) * self.trust[y, x]
                lost += self.lost[y, x] * weight[:, None]
                total += weight
        lost /= np.maximum(total, 1e-9)[:, None]
        return lost, total


def coarse(picture: Ints, step: int) -> Ints:
    """Every ``step``-th pixel of ``picture`` (h, w)."""
    return picture[step // 2 :: step, step // 2 :: step]


def grid_middles(rows: NDArray[np.int64], columns: NDArray[np.int64], step: int) -> Doubles:
    """Picture coordinates (n, 2) of places of a grid."""
    places = np.stack([columns, rows], axis=1).astype(np.float64)
    return places * step + (step // 2 + 0.5)


def _inward(face: Ints) -> Floats:
    normals = np.zeros((len(face), 3), np.float32)
    normals[np.arange(len(face)), face // 2] = np.where(face % 2 == 0, 1, -1)
    return normals


def _mean(lost: Floats, here: Floats, radius: int) -> Floats:
    import cv2

    kernel = np.hanning(2 * radius + 3)[1:-1].astype(np.float32)
    total = cv2.sepFilter2D(lost * here[..., None], -1, kernel, kernel)
    count = cv2.sepFilter2D(here, -1, kernel, kernel)
    return np.asarray(total / np.maximum(count, 1e-9)[..., None], np.float32)
