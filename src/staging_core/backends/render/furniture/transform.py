"""Moving, joining and bending meshes; normals stay exact under every one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.mesh import Floats, Mesh

Points = NDArray[np.float64]

_STEP_M = 1e-4


def merge(*meshes: Mesh) -> Mesh:
    """One mesh of many; order is kept."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.uv for mesh in meshes]),
        np.concatenate(
            [mesh.faces + np.int32(at) for mesh, at in zip(meshes, starts, strict=False)]
        ),
    )


def move(mesh: Mesh, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
    """The mesh shifted by metres."""
    return replace(mesh, vertices=mesh.vertices + np.array([x, y, z], np.float32))


def turn(mesh: Mesh, axis: str, degrees: float) -> Mesh:
    """The mesh turned right-handed about the ``x``, ``y`` or ``z`` axis through its origin."""
    angle = np.radians(degrees)
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3, dtype=np.float32)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first] = np.sin(angle)
    matrix[first, second] = -np.sin(angle)
    return replace(mesh, vertices=mesh.vertices @ matrix.T, normals=mesh.normals @ matrix.T)


def mirror(mesh: Mesh) -> Mesh:
    """The mesh with left and right exchanged."""
    flip = np.array([-1, 1, 1], np.float32)
    return replace(
        mesh,
        vertices=mesh.vertices * flip,
        normals=mesh.normals * flip,
        faces=np.ascontiguousarray(mesh.faces[:, ::-1]),
    )


def deform(mesh: Mesh, bend: Callable[[Points], Points]) -> Mesh:
    """The mesh with every point sent through the smooth map ``bend`` ((n, 3) to (n, 3), metres).

    Normals follow by the cofactors of the map's Jacobian, as surface normals must.
    """
    points = mesh.vertices.astype(np.float64)
    a, b, c = (
        (bend(points + step) - bend(points - step)) / (2 * _STEP_M) for step in np.eye(3) * _STEP_M
    )
    nx, ny, nz = (mesh.normals[:, i : i + 1] for i in range(3))
    normals = nx * np.cross(b, c) + ny * np.cross(c, a) + nz * np.cross(a, b)
    return replace(mesh, vertices=bend(points).astype(np.float32), normals=_unit(normals))


def displace(mesh: Mesh, height: Callable[[Points], Points]) -> Mesh:
    """The mesh raised along its normals by ``height`` ((n, 3) to (n,), metres, gentle slopes)."""
    points = mesh.vertices.astype(np.float64)
    normals = mesh.normals.astype(np.float64)
    slope = np.stack(
        [
            (height(points + step) - height(points - step)) / (2 * _STEP_M)
            for step in np.eye(3) * _STEP_M
        ],
        axis=1,
    )
    along = slope - normals * np.sum(slope * normals, axis=1, keepdims=True)
    raised = points + normals * height(points)[:, None]
    return replace(mesh, vertices=raised.astype(np.float32), normals=_unit(normals - along))


def _unit(vectors: Points) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Floats = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
    return unit
