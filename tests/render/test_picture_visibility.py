"""Two ways to find what is seen, and they agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging_core.backends.render.mesh import Placed
from staging_core.backends.render.picture.lens import Lens, centres, rays
from staging_core.backends.render.picture.scene import Scene
from staging_core.backends.render.picture.visibility import NOTHING, has_embree, open_visibility

from .blocks import block, plain_room

CAMERA = plain_room(160, 120).camera
PIXELS = np.arange(160 * 120)
WAYS = (False, True) if has_embree() else (False,)
"""Whether Embree is used; only where the extra `accelerate` is installed."""
spot = st.floats(-1.8, 1.8)
side = st.floats(0.05, 1.2)
blocks = st.builds(
    lambda x, y, size, turn: block(x, y, size, turn_deg=turn),
    spot,
    st.floats(-0.5, 4.5),
    st.tuples(side, side, side),
    st.floats(0, 90),
)


def seen(placed: list[Placed], accelerated: bool) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    scene = Scene.of(placed)
    return open_visibility(scene, accelerated).seen(Lens.on(scene, CAMERA), PIXELS)


@settings(max_examples=40)
@given(st.lists(blocks, min_size=1, max_size=6))
def test_both_ways_show_the_same_silhouettes(placed: list[Placed]) -> None:
    plain, other = (seen(placed, way) != NOTHING for way in (WAYS[0], WAYS[-1]))
    # A pixel whose middle lies on an edge may go either way.
    assert (plain ^ other).sum() <= max(1, 0.001 * (plain | other).sum())


@settings(max_examples=20)
@given(st.lists(blocks, min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_what_is_seen_is_the_nearest_triangle(placed: list[Placed], seed: int) -> None:
    scene = Scene.of(placed)
    some = np.sort(np.random.default_rng(seed).choice(PIXELS, 50, replace=False))
    found = open_visibility(scene, accelerated=False).seen(Lens.on(scene, CAMERA), some)
    distance = _distances(scene, some)
    nearest = distance.min(axis=1)
    assert np.array_equal(found == NOTHING, np.isinf(nearest))
    hit = np.flatnonzero(found != NOTHING)
    assert np.allclose(distance[hit, found[hit]], nearest[hit], rtol=1e-6)


@pytest.mark.parametrize("accelerated", WAYS)
def test_light_stops_at_the_first_piece_in_its_way(accelerated: bool) -> None:
    scene = Scene.of([block(0, 3, turn_deg=0), block(0, 4, (2, 0.2, 2), turn_deg=0)])
    visibility = open_visibility(scene, accelerated)
    origins = np.array([[0, 1, 0.25], [0, 1, 1.0], [0, 1, 2.5]], np.float32)
    ways = np.tile(np.array([[0, 1, 0]], np.float32), (3, 1))
    faces = visibility.hit(origins, ways)
    assert scene.piece[faces[:2]].tolist() == [0, 1]
    assert faces[2] == NOTHING


@pytest.mark.parametrize("accelerated", WAYS)
def test_an_empty_scene_shows_nothing(accelerated: bool) -> None:
    assert (seen([], accelerated) == NOTHING).all()


def test_a_piece_around_the_camera_is_seen_from_inside() -> None:
    around = block(0, 0, (3, 3, 2.5), turn_deg=0)
    assert (seen([around], accelerated=False) != NOTHING).all()


def _distances(
    scene: Scene, pixels: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Ray lengths (pixels, faces), infinite where a ray misses (Moeller and Trumbore, 1997)."""
    ways = rays(CAMERA, centres(pixels, CAMERA.width, (0.0, 0.0))).astype(float)[:, None]
    a, b, c = np.moveaxis(scene.corners().astype(float), 1, 0)
    first, second = (b - a)[None], (c - a)[None]
    across = np.cross(ways, second)
    size = (first * across).sum(axis=2)
    size = np.where(np.abs(size) < 1e-12, 1e-12, size)
    away = np.array([0, 0, CAMERA.height_m]) - a[None]
    u = (away * across).sum(axis=2) / size
    turned = np.cross(away, first)
    v = (ways * turned).sum(axis=2) / size
    length = (second * turned).sum(axis=2) / size
    return np.where((u >= 0) & (v >= 0) & (u + v <= 1) & (length > 0), length, np.inf)
