"""The solid shapes furniture is made of: rounded boxes, tubes, turned bodies and sheets.

All stand on ``z = 0`` around the origin unless said otherwise, are in metres, and carry normals of
the true curved surface, not of the triangles. ``uv`` runs in metres from (0, 0), ``u`` along the
longer side and so along the grain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.mesh import Mesh

from .transform import Points, merge, move

Indices = NDArray[np.int32]


@lru_cache(maxsize=256)
def rounded_box(
    width: float,
    depth: float,
    height: float,
    radius: float,
    cells: tuple[int, int, int] = (1, 1, 1),
    *,
    steps: int = 2,
) -> Mesh:
    """A box with round edges; ``cells`` splits the flat parts so that they can be bent later."""
    half = np.array([width, depth, height]) / 2
    radius = min(radius, float(half.min()) * 0.999)
    ticks = [_ticks(half[axis], radius, cells[axis], steps) for axis in range(3)]
    faces = [_box_face(axis, sign, half, radius, ticks) for axis in range(3) for sign in (-1, 1)]
    return move(merge(*faces), z=float(half[2]))


def _ticks(half: float, radius: float, cells: int, steps: int) -> Points:
    """Coordinates along one edge: even angles over the round parts, even cells between."""
    arc = radius * np.tan(np.linspace(np.pi / 4, 0, steps, endpoint=False))
    flat = np.linspace(-(half - radius), half - radius, cells + 1)
    return np.concatenate([-(half - radius) - arc, flat, (half - radius) + arc[::-1]])


def _box_face(axis: int, sign: int, half: Points, radius: float, ticks: list[Points]) -> Mesh:
    first, second = (other for other in range(3) if other != axis)
    grid = np.meshgrid(ticks[first], ticks[second], indexing="ij")
    points = np.empty((*grid[0].shape, 3))
    points[..., first], points[..., second] = grid
    points[..., axis] = sign * half[axis]
    core = np.clip(points, -(half - radius), half - radius)
    normals = points - core
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    along, across = (first, second) if half[first] >= half[second] else (second, first)
    uv = points[..., [along, across]] + half[[along, across]]
    outward = sign if axis != 1 else -sign
    return _grid_mesh(core + normals * radius, normals, uv, flip=outward < 0)


def _grid_mesh(points: Points, normals: Points, uv: Points, *, flip: bool = False) -> Mesh:
    rows, columns = points.shape[:2]
    faces = _grid_faces(rows, columns)
    return Mesh(
        points.reshape(-1, 3).astype(np.float32),
        normals.reshape(-1, 3).astype(np.float32),
        uv.reshape(-1, 2).astype(np.float32),
        np.ascontiguousarray(faces[:, ::-1]) if flip else faces,
    )


@lru_cache(maxsize=256)
def _grid_faces(rows: int, columns: int) -> Indices:
    at = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]
    upper, lower = np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)
    return np.concatenate([upper.reshape(-1, 3), lower.reshape(-1, 3)])


def sheet(surface: Callable[[Points, Points], Points], rows: int, columns: int) -> Mesh:
    """The smooth surface ``surface(u, v)`` over [0, 1] x [0, 1], normal along du x dv."""
    u, v = np.meshgrid(np.linspace(0, 1, rows + 1), np.linspace(0, 1, columns + 1), indexing="ij")
    points = surface(u, v)
    step, inset = 1e-4, 4e-3  # a seam or a tip has no slope of its own: take it from just inside
    a, b = np.clip(u, inset, 1 - inset), np.clip(v, inset, 1 - inset)
    du = surface(a + step, b) - surface(a - step, b)
    dv = surface(a, b + step) - surface(a, b - step)
    normals = np.cross(du, dv)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    uv = np.stack([_arc(points, 0), _arc(points, 1)], axis=-1)
    return _grid_mesh(points, normals, uv)


def _arc(points: Points, axis: int) -> Points:
    """Length in metres along one side of a grid, the same for all lines across it."""
    lengths = np.linalg.norm(np.diff(points, axis=axis), axis=-1).mean(axis=1 - axis)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    return np.broadcast_to(along[:, None] if axis == 0 else along[None, :], points.shape[:2])


def lathe(*curves: Sequence[tuple[float, float]], sides: int = 24) -> Mesh:
    """A body turned about ``z`` from (radius, height) curves; edges between two curves stay sharp.

    A curve that rises faces outward; one that runs outward at one height faces down.
    """
    return merge(*(_turned(np.array(curve, dtype=np.float64), sides) for curve in curves))


def _turned(curve: Points, sides: int) -> Mesh:
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    tangent = np.gradient(curve, axis=0) if len(curve) > 2 else np.tile(curve[1] - curve[0], (2, 1))
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    radius, height = curve[None, :, 0], curve[None, :, 1]
    points = np.stack([radius * cos, radius * sin, height + 0 * cos], axis=-1)
    out, up = tangent[None, :, 1], -tangent[None, :, 0]
    normals = np.stack([out * cos, out * sin, up + 0 * cos], axis=-1)
    if np.ptp(curve[:, 1]) == 0:  # a flat board: its grain is straight, not turned
        return _grid_mesh(points, normals, points[..., :2] + curve[:, 0].max())
    run = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    round_m = angle[:, None] * max(float(curve[:, 0].max()), 1e-3)
    uv = np.stack(np.broadcast_arrays(run[None, :], round_m), axis=-1)
    return _grid_mesh(points, normals, uv)


def tube(
    path: Sequence[tuple[float, float, float]],
    radius: float | Sequence[float],
    sides: int = 12,
    *,
    closed: bool = False,
) -> Mesh:
    """A round bar along ``path``; ``radius`` may change from point to point; ends are capped."""
    line = np.array([*path, path[0]] if closed else path, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(line),))
    forward = np.gradient(line, axis=0) if len(line) > 2 else np.tile(line[1] - line[0], (2, 1))
    if closed:
        forward[0] = forward[-1] = line[1] - line[-2]
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    side, up = _frames(forward)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    normals = (
        np.cos(angle)[None, :, None] * side[:, None] + np.sin(angle)[None, :, None] * up[:, None]
    )
    points = line[:, None] + normals * radii[:, None, None]
    run = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    uv = np.stack(np.broadcast_arrays(run[:, None], angle[None, :] * radii.max()), axis=-1)
    wall = _grid_mesh(points, normals, uv, flip=True)
    if closed:
        return wall
    ends = [
        _cap(points[0], line[0], -forward[0], radii[0] * angle),
        _cap(points[-1], line[-1], forward[-1], radii[-1] * angle),
    ]
    return merge(wall, *ends)


def _frames(forward: Points) -> tuple[Points, Points]:
    """Two axes across each direction, carried along the path without twist."""
    start = np.eye(3)[int(np.argmin(np.abs(forward[0])))]
    side = np.empty_like(forward)
    for i, direction in enumerate(forward):
        start = start - direction * (start @ direction)
        start = start / np.linalg.norm(start)
        side[i] = start
    return side, np.cross(forward, side)


def _cap(rim: Points, middle: Points, normal: Points, round_m: Points) -> Mesh:
    points = np.stack([np.broadcast_to(middle, rim.shape), rim])
    uv = np.stack(
        [np.stack([0 * round_m, round_m], -1), np.stack([0 * round_m + 0.01, round_m], -1)]
    )
    turns = np.cross(rim[0] - middle, rim[1] - middle) @ normal
    return _grid_mesh(points, np.broadcast_to(normal, points.shape), uv, flip=bool(turns < 0))


def ring_path(
    width: float, depth: float, radius: float, z: float, steps: int = 4
) -> list[tuple[float, float, float]]:
    """A rounded rectangle at height ``z``, counter-clockwise: for piping and metal frames."""
    corners = [(1, 1, 0.0), (-1, 1, 0.5), (-1, -1, 1.0), (1, -1, 1.5)]
    path = []
    for sx, sy, start in corners:
        for angle in np.pi * np.linspace(start, start + 0.5, steps + 1):
            x = sx * (width / 2 - radius) + radius * np.cos(angle)
            y = sy * (depth / 2 - radius) + radius * np.sin(angle)
            path.append((float(x), float(y), z))
    return path
