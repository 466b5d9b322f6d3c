"""How placed pieces look in the picture: outlines, how much of them is in it, what they cover."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera
from staging_core.backends.render.mesh import Piece, Placed

from .pose import Points, grown

_CORNERS = np.array(
    [[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)], dtype=np.float64
)
_GRID = 180
_SHADOW_M = 0.22


@dataclass(frozen=True, slots=True)
class Outline:
    """A piece's outline in pixels.

    ``hull`` (n, 2) and its ``area``; ``inside``: the share 0..1 of it in the picture;
    ``distance_m`` from the camera's foot to the nearest corner.
    """

    hull: NDArray[np.float32]
    area: float
    inside: float
    distance_m: float

    def covers(self, other: Outline) -> float:
        """Share 0..1 of ``other`` that lies under this outline."""
        shared, _ = cv2.intersectConvexConvex(self.hull, other.hull)
        return float(shared) / max(other.area, 1.0)


class View:
    """A camera prepared for many small projections, with what it learns of each piece's surface."""

    def __init__(self, camera: Camera) -> None:
        self.width, self.height = camera.width, camera.height
        self._rotation = camera.rotation().T
        self._foot = np.array([0.0, 0.0, camera.height_m])
        self._focal, self._centre = camera.focal_px, np.array(camera.centre)
        right, low = float(camera.width), float(camera.height)
        self._frame = np.array([[0, 0], [right, 0], [right, low], [0, low]], np.float32)
        self._strewn: dict[int, tuple[Piece, Points]] = {}

    def project(self, points: Points) -> Points:
        """Pixels (n, 2) of room points (n, 3); NaN behind the camera."""
        local = (points - self._foot) @ self._rotation
        depth = np.where(local[:, 2:] > 1e-6, local[:, 2:], np.nan)
        pixels: Points = local[:, :2] / depth * self._focal + self._centre
        return pixels

    def outline(self, placed: Placed) -> Outline | None:
        """The outline of a piece's box, or None when part of it lies behind the camera."""
        box = _box(placed)
        pixels = self.project(box)
        if not np.isfinite(pixels).all():
            return None
        hull = np.asarray(cv2.convexHull(pixels.astype(np.float32))[:, 0, :], np.float32)
        area = float(cv2.contourArea(hull))
        shared, _ = cv2.intersectConvexConvex(hull, self._frame)
        nearest = float(np.sqrt((box[:, :2] ** 2).sum(axis=1).min()))
        return Outline(hull, area, float(shared) / max(area, 1.0), nearest)

    def coverage(self, layout: Iterable[Placed]) -> float:
        """Share 0..1 of the picture that pieces and the shadows at their feet will cover.

        Points strewn over the surfaces are projected into a coarse grid; a shadow is taken to
        reach 0.22 m around a footprint.
        """
        rows = max(1, round(_GRID * self.height / self.width))
        scale = _GRID / self.width
        covered = np.zeros((rows, _GRID), np.uint8)
        for placed in layout:
            pixels = self.project(in_room(placed, self._surface(placed.piece))) * scale
            kept = pixels[np.isfinite(pixels).all(axis=1)]
            kept = kept[((kept >= 0) & (kept < [_GRID, rows])).all(axis=1)].astype(int)
            covered[kept[:, 1], kept[:, 0]] = 1
            if placed.piece.stand == "floor":
                self._paint_shadow(covered, placed, scale)
        closed = cv2.morphologyEx(covered, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        return float(closed.mean())

    def _paint_shadow(self, covered: NDArray[np.uint8], placed: Placed, scale: float) -> None:
        corners = grown(placed.footprint_m(), _SHADOW_M)
        pixels = self.project(np.concatenate([corners, np.zeros((4, 1))], axis=1)) * scale
        if np.isfinite(pixels).all():
            cv2.fillConvexPoly(covered, np.clip(pixels, -9999, 9999).astype(np.int32), (1,))

    def _surface(self, piece: Piece) -> Points:
        known = self._strewn.get(id(piece))
        if known is None:
            known = self._strewn[id(piece)] = (piece, _strewn(piece))
        return known[1]


def _box(placed: Placed) -> Points:
    """The eight corners (8, 3) of a piece's box in the room frame."""
    width, depth, height = placed.piece.size_m
    corners = _CORNERS * np.array([width, depth, height])
    if placed.piece.stand == "wall":
        corners = corners - np.array([0.0, depth / 2, 0.0])
    return in_room(placed, corners)


def in_room(placed: Placed, points: Points) -> Points:
    """Points (..., 3) of the piece's own frame in the room frame."""
    cos, sin = np.cos(np.radians(placed.turn_deg)), np.sin(np.radians(placed.turn_deg))
    turned = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    moved: Points = points @ turned + np.array([placed.x_m, placed.y_m, placed.z_m])
    return moved


def _strewn(piece: Piece, count: int = 2500) -> Points:
    """Points over a piece's surfaces, in its own frame, as dense as the surface is large."""
    meshes = [part.mesh for part in piece.parts]
    corners = np.concatenate([mesh.vertices[mesh.faces] for mesh in meshes])
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    weight = np.cumsum(np.linalg.norm(np.cross(a, b), axis=1))
    random = np.random.default_rng(0)
    face = np.searchsorted(weight, random.uniform(0, weight[-1], count)).clip(0, len(weight) - 1)
    u, v = random.uniform(size=(2, count))
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    points: Points = (corners[face, 0] + u[:, None] * a[face] + v[:, None] * b[face]).astype(float)
    return points
