"""Shapes: normals are those of the true surface, under bending too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core.backends.render.furniture.shapes import lathe, ring_path, rounded_box, sheet, tube
from staging_core.backends.render.furniture.soft import cover, cushion, pillow
from staging_core.backends.render.furniture.transform import (
    Points,
    deform,
    displace,
    merge,
    mirror,
    move,
    turn,
)
from staging_core.backends.render.mesh import Mesh

metres = st.floats(0.05, 2.5)


def volume(mesh: Mesh) -> float:
    """Of a closed mesh, by the divergence theorem; positive when it faces outward."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]].astype(float) for i in range(3))
    return float(np.sum(a * np.cross(b, c)) / 6)


@given(metres, metres, metres, st.floats(0.002, 0.2))
def test_a_rounded_box_fills_its_size_and_stands_on_the_floor(
    width: float, depth: float, height: float, radius: float
) -> None:
    box = rounded_box(width, depth, height, radius)
    low, high = box.vertices.min(axis=0), box.vertices.max(axis=0)
    assert np.allclose(high - low, (width, depth, height), atol=1e-4)
    assert low[2] == pytest.approx(0, abs=1e-5)


@given(metres, metres, metres)
def test_a_rounded_box_is_closed_and_faces_outward(
    width: float, depth: float, height: float
) -> None:
    small = 0.1 * min(width, depth, height)
    box = rounded_box(width, depth, height, small, steps=3)
    assert 0.9 * width * depth * height < volume(box) < width * depth * height * 1.0001


def test_a_box_that_is_all_corner_is_a_sphere_with_a_spheres_normals() -> None:
    ball = rounded_box(1, 1, 1, 0.5, steps=6)
    outward = ball.vertices - np.array([0, 0, 0.5], np.float32)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    assert np.allclose(ball.normals, outward, atol=5e-3)


def test_bending_a_sphere_to_an_ellipsoid_bends_its_normals_rightly() -> None:
    stretch = np.array([2.0, 1.0, 0.5])
    ball = move(rounded_box(1, 1, 1, 0.5, steps=8), z=-0.5)
    bent = deform(ball, lambda points: points * stretch)
    gradient = bent.vertices / stretch**2
    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
    assert np.allclose(bent.normals, gradient, atol=1e-2)


def test_raising_a_plane_to_waves_tilts_its_normals_to_the_slope() -> None:
    def flat(u: Points, v: Points) -> Points:
        return np.stack([u, v, 0 * u], axis=-1)

    waves = displace(sheet(flat, 40, 4), lambda points: 0.02 * np.sin(5 * points[:, 0]))
    slope = 0.1 * np.cos(5 * waves.vertices[:, 0])
    assert np.allclose(waves.normals[:, 0] / waves.normals[:, 2], -slope, atol=5e-3)


def test_a_turned_cylinder_and_a_straight_tube_are_the_same_body() -> None:
    turned = lathe([(0, 0), (0.1, 0)], [(0.1, 0), (0.1, 0.5)], [(0.1, 0.5), (0, 0.5)], sides=64)
    bar = tube([(0, 0, 0), (0, 0, 0.5)], 0.1, 64)
    exact = np.pi * 0.01 * 0.5
    assert volume(turned) == pytest.approx(exact, rel=0.01)
    assert volume(bar) == pytest.approx(exact, rel=0.01)


def test_a_closed_tube_has_no_ends() -> None:
    ring = tube(ring_path(1.0, 0.6, 0.1, 0.2), 0.01, 8, closed=True)
    assert volume(ring) == pytest.approx(np.pi * 1e-4 * (2 * 1.6 - 0.8 + 0.2 * np.pi), rel=0.12)


def test_turning_and_mirroring_keep_the_volume_outward() -> None:
    box = rounded_box(0.4, 0.3, 0.2, 0.05)
    for changed in (turn(box, "x", 33), turn(box, "z", -70), mirror(box), move(box, 1, 2, 3)):
        assert volume(changed) == pytest.approx(volume(box), rel=1e-3)


def test_turns_are_right_handed() -> None:
    right = np.array([[1, 0, 0]], np.float32)
    dot = Mesh(right, right, np.zeros((1, 2), np.float32), np.zeros((0, 3), np.int32))
    assert np.allclose(turn(dot, "z", 90).vertices, [[0, 1, 0]], atol=1e-6)
    assert np.allclose(turn(dot, "y", 90).vertices, [[0, 0, -1]], atol=1e-6)


def test_merging_keeps_every_triangle_on_its_own_vertices() -> None:
    one, other = rounded_box(1, 1, 1, 0.1), move(rounded_box(1, 1, 1, 0.1), 5)
    both = merge(one, other)
    assert volume(both) == pytest.approx(volume(one) + volume(other), rel=1e-3)


def test_cushions_swell_and_pillows_come_to_a_seam() -> None:
    seat = cushion(0.7, 0.7, 0.18, crown=0.03)
    top = seat.vertices[:, 2]
    middle = np.hypot(seat.vertices[:, 0], seat.vertices[:, 1]) < 0.1
    edge = np.abs(seat.vertices[:, 0]) > 0.3
    assert top[middle].max() > top[edge].max() + 0.015
    scatter = pillow(0.45, 0.45, 0.18)
    rim = np.abs(scatter.vertices[:, :2]).max(axis=1) > 0.22
    assert np.ptp(scatter.vertices[rim, 2]) < 0.03 < np.ptp(scatter.vertices[:, 2])


def test_a_cover_hangs_in_folds_outside_what_it_covers() -> None:
    duvet = cover(1.6, 1.4, 0.3)
    hem = duvet.vertices[duvet.vertices[:, 2] < 0.08]
    side = np.abs(hem[:, 0])
    assert side[side > 0.7].max() > 0.8
    assert np.ptp(side[side > 0.74]) > 0.01
