"""The box of a synthetic room, and where rays meet it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Face = Literal["left", "right", "near", "far", "floor", "ceiling"]
FACES: tuple[Face, ...] = ("left", "right", "near", "far", "floor", "ceiling")


@dataclass(frozen=True, slots=True)
class Box:
    """Six planes in the room frame, metres: ``left_m < 0 < right_m`` and ``near_m < 0 < far_m``."""

    left_m: float
    right_m: float
    near_m: float
    far_m: float
    ceiling_m: float

    def extent(self, face: Face) -> tuple[float, float, float, float]:
        """``u0, u1, v0, v1`` of a face.

        u, v are y, z for left and right, x, z for near and far, x, y for floor and ceiling.
        """
        if face in ("left", "right"):
            return self.near_m, self.far_m, 0.0, self.ceiling_m
        if face in ("near", "far"):
            return self.left_m, self.right_m, 0.0, self.ceiling_m
        return self.left_m, self.right_m, self.near_m, self.far_m

    def plane(self, face: Face) -> tuple[int, float]:
        """Axis (0 x, 1 y, 2 z) across a face and its coordinate on that axis."""
        at: dict[Face, tuple[int, float]] = {
            "left": (0, self.left_m),
            "right": (0, self.right_m),
            "near": (1, self.near_m),
            "far": (1, self.far_m),
            "floor": (2, 0.0),
            "ceiling": (2, self.ceiling_m),
        }
        return at[face]

    def point(self, face: Face, u: Floats, v: Floats) -> Floats:
        """Room points (..., 3) of face coordinates."""
        axis, at = self.plane(face)
        fixed = np.full_like(u, at)
        return np.stack({0: (fixed, u, v), 1: (u, fixed, v), 2: (u, v, fixed)}[axis], axis=-1)

    def normal(self, face: Face) -> Floats:
        """Unit normal (3,) that points into the room."""
        axis, _ = self.plane(face)
        out = np.zeros(3, np.float32)
        out[axis] = 1.0 if face in ("left", "near", "floor") else -1.0
        return out


@dataclass(frozen=True, slots=True)
class Patch:
    """The samples of one face that rays meet.

    ``where``: their places in the flat sample array. ``u, v``: metres on the face. ``du, dv``:
    metres a ray moves along the face for each metre it would go on behind it. ``size_u, size_v``:
    extent of one sample on the face in metres, for antialiasing. ``cosine``: of ray and normal.
    """

    face: Face
    where: NDArray[np.int64]
    u: Floats
    v: Floats
    du: Floats
    dv: Floats
    size_u: Floats
    size_v: Floats
    cosine: Floats

    def part(self, chosen: NDArray[np.bool_]) -> Patch:
        """Only the chosen samples."""
        return Patch(
            self.face,
            self.where[chosen],
            *(
                getattr(self, name)[chosen]
                for name in ("u", "v", "du", "dv", "size_u", "size_v", "cosine")
            ),
        )


def trace(
    box: Box, origins: Floats, rays: Floats, pixel_angle: float
) -> tuple[list[Patch], Floats]:
    """Follow rays (n, 3) from origins (3,) or (n, 3) inside the box to its faces.

    ``pixel_angle``: extent of one sample at distance one, in units of the ray's forward part.
    Returns the patches, and for each ray the multiple of it at which it meets the box.
    """
    low = (box.left_m, box.near_m, 0.0)
    high = (box.right_m, box.far_m, box.ceiling_m)
    reach = np.empty((3, len(rays)), np.float32)
    for axis in range(3):
        ray = rays[:, axis]
        safe = np.where(np.abs(ray) < 1e-6, np.float32(1e-6), ray)
        to_wall = np.where(safe > 0, np.float32(high[axis]), np.float32(low[axis]))
        reach[axis] = (to_wall - origins[..., axis]) / safe
    distance = reach.min(axis=0)
    patches = []
    for face in FACES:
        axis, _ = box.plane(face)
        outwards = rays[:, axis] * box.normal(face)[axis] <= 0
        where = np.flatnonzero((reach[axis] == distance) & outwards)
        if where.size:
            start = origins if origins.ndim == 1 else origins[where]
            met = start + rays[where] * distance[where, None]
            size = distance[where] * np.float32(pixel_angle)
            patches.append(_patch(box, face, where, met=met, rays=rays[where], size=size))
    return patches, distance


def _patch(
    box: Box, face: Face, where: NDArray[np.int64], *, met: Floats, rays: Floats, size: Floats
) -> Patch:
    axis, _ = box.plane(face)
    along, up = {0: (1, 2), 1: (0, 2), 2: (0, 1)}[axis]
    across = np.maximum(np.abs(rays[:, axis]), np.float32(1e-6))
    du, dv = rays[:, along] / across, rays[:, up] / across
    return Patch(
        face=face,
        where=where,
        u=met[:, along],
        v=met[:, up],
        du=du,
        dv=dv,
        size_u=size * np.sqrt(1 + du * du),
        size_v=size * np.sqrt(1 + dv * dv),
        cosine=1 / np.sqrt(1 + du * du + dv * dv),
    )
