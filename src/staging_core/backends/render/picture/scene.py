"""The furniture of a room as one list of triangles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.mesh import Floats, Material, Mesh, Placed

from .vectors import unit


@dataclass(frozen=True, slots=True)
class Scene:
    """Triangles in the room frame, metres.

    ``vertices``, ``normals`` (v, 3), ``uv`` (v, 2) metres; ``faces`` (m, 3); ``part`` and ``piece``
    (m,) give each face its place in ``materials`` and in the list of placed pieces; ``uv_span``
    (parts, 4) holds each part's lowest u, v and its extent in u, v.
    """

    vertices: Floats
    normals: Floats
    uv: Floats
    faces: NDArray[np.int32]
    part: NDArray[np.int32]
    piece: NDArray[np.int32]
    materials: tuple[Material, ...]
    uv_span: Floats

    @classmethod
    def of(cls, placed: Sequence[Placed]) -> Scene:
        """Every part of every placed piece, turned and moved to where it stands."""
        owners = [(i, part) for i, one in enumerate(placed) for part in one.piece.parts]
        meshes = [_stand(part.mesh, placed[i]) for i, part in owners]
        counts = [len(mesh.vertices) for mesh in meshes]
        shifts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int32)
        sizes = [len(mesh.faces) for mesh in meshes]
        numbers = np.arange(len(meshes), dtype=np.int32)
        pieces = np.array([i for i, _ in owners], np.int32)
        return cls(
            vertices=_joined([mesh.vertices for mesh in meshes], 3),
            normals=_joined([mesh.normals for mesh in meshes], 3),
            uv=_joined([mesh.uv for mesh in meshes], 2),
            faces=np.concatenate(
                [np.zeros((0, 3), np.int32)]
                + [m.faces + s for m, s in zip(meshes, shifts, strict=False)]
            ),
            part=np.repeat(numbers, sizes),
            piece=np.repeat(pieces, sizes),
            materials=tuple(part.material for _, part in owners),
            uv_span=_joined([_span(mesh.uv) for mesh in meshes], 4),
        )

    def keep(self, wanted: NDArray[np.bool_]) -> Scene:
        """The same scene with only the faces that ``wanted`` (m,) marks."""
        return Scene(
            vertices=self.vertices,
            normals=self.normals,
            uv=self.uv,
            faces=self.faces[wanted],
            part=self.part[wanted],
            piece=self.piece[wanted],
            materials=self.materials,
            uv_span=self.uv_span,
        )

    def see_through(self) -> NDArray[np.bool_]:
        """True (m,) for faces of glass."""
        glass = np.array([m.pattern == "glass" for m in self.materials], np.bool_)
        return glass[self.part]

    def corners(self) -> Floats:
        """The three corners of every face (m, 3, 3)."""
        return self.vertices[self.faces]

    def face_normals(self) -> Floats:
        """Unit normals (m, 3) of the flat faces; zero for a face without area."""
        a, b, c = np.moveaxis(self.corners(), 1, 0)
        return unit(np.cross(b - a, c - a))

    def face_tangents(self) -> tuple[Floats, Floats]:
        """Unit directions (m, 3) in which u and v grow on each face."""
        a, b, c = np.moveaxis(self.corners(), 1, 0)
        ua, ub, uc = np.moveaxis(self.uv[self.faces], 1, 0)
        du1, dv1 = (ub - ua).T[:, :, None]
        du2, dv2 = (uc - ua).T[:, :, None]
        turn = np.where(du1 * dv2 - du2 * dv1 < 0, -1.0, 1.0)
        along_u = ((b - a) * dv2 - (c - a) * dv1) * turn
        along_v = ((c - a) * du1 - (b - a) * du2) * turn
        return unit(along_u), unit(along_v)


def _stand(mesh: Mesh, placed: Placed) -> Mesh:
    turn = np.radians(placed.turn_deg)
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    move = np.array([placed.x_m, placed.y_m, placed.z_m])
    vertices = (mesh.vertices @ rotation + move).astype(np.float32)
    return Mesh(vertices, (mesh.normals @ rotation).astype(np.float32), mesh.uv, mesh.faces)


def _joined(arrays: list[Floats], width: int) -> Floats:
    return np.concatenate([np.zeros((0, width), np.float32), *arrays]).astype(np.float32)


def _span(uv: Floats) -> Floats:
    if len(uv) == 0:
        return np.array([[0, 0, 1, 1]], np.float32)
    low, high = uv.min(axis=0), uv.max(axis=0)
    return np.concatenate([low, np.maximum(high - low, 1e-6)])[None].astype(np.float32)
