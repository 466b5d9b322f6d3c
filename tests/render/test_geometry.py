"""Rooms are read from photos, or refused with a reason."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from staging_core.backends.render import geometry
from staging_core.backends.render.room import NotUnderstood, Room
from staging_core.testing.rooms import SyntheticRoom, make_cluttered_room, make_room

Picture = NDArray[np.uint8]
SEEDS = range(400, 412)


@cache
def room(seed: int) -> SyntheticRoom:
    return make_room(seed)


@cache
def reading(seed: int) -> Room | NotUnderstood:
    return geometry.understand(room(seed).picture)


@cache
def accepted() -> list[tuple[SyntheticRoom, Room]]:
    readings = [(room(seed), reading(seed)) for seed in SEEDS]
    return [(truth, found) for truth, found in readings if isinstance(found, Room)]


def turned(first: float, second: float) -> float:
    """Degrees between two yaws; a room looks the same after a quarter turn."""
    return abs((first - second + 45) % 90 - 45)


def footing(found: Room, sigmas: float) -> NDArray[np.float64]:
    """A grid of floor points (n, 2) in pixels, clear of the walls by some deviations."""
    left = found.left.at_m + sigmas * found.left.spread_m + 0.05
    right = found.right.at_m - sigmas * found.right.spread_m - 0.05
    far = found.far.at_m - sigmas * found.far.spread_m - 0.05
    x, y = np.meshgrid(np.linspace(left, right, 25), np.linspace(0.3, far, 25))
    pixels = found.camera.project(np.stack([x, y, np.zeros_like(x)], axis=-1)).reshape(-1, 2)
    pixels = pixels[np.isfinite(pixels).all(axis=1)]
    inside = (pixels >= 0).all(axis=1) & (pixels < (found.camera.width, found.camera.height)).all(1)
    return pixels[inside]


def test_most_empty_rooms_are_accepted() -> None:
    assert len(accepted()) >= 0.8 * len(SEEDS)


def test_the_camera_is_read_to_a_fraction_of_a_degree() -> None:
    pitch = [abs(f.camera.pitch_deg - t.camera.pitch_deg) for t, f in accepted()]
    yaw = [turned(f.camera.yaw_deg, t.camera.yaw_deg) for t, f in accepted()]
    assert np.median(pitch) < 0.3
    assert np.median(yaw) < 0.3


def test_floor_clear_of_the_walls_is_true_floor() -> None:
    outside = []
    for truth, found in accepted():
        pixels = footing(found, sigmas=2).astype(int)
        grown = cv2.dilate(truth.floor.astype(np.uint8), np.ones((5, 5), np.uint8))
        outside.append(1 - float(grown[pixels[:, 1], pixels[:, 0]].mean()))
    assert sum(share > 0.01 for share in outside) <= 1


def test_bare_floor_is_true_floor() -> None:
    for truth, found in accepted():
        size = (found.floor.shape[1], found.floor.shape[0])
        true = cv2.resize(truth.floor.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
        assert (found.floor & ~true).sum() < 0.15 * found.floor.sum()


def test_most_doors_and_windows_in_full_view_are_found() -> None:
    seen, found_again = 0, 0
    for truth, found in accepted():
        if turned(found.camera.yaw_deg, truth.camera.yaw_deg) > 1:
            continue
        scale = truth.camera.height_m / found.camera.height_m
        for true in truth.openings:
            if not in_full_view(truth, true.side, true.start_m, true.end_m):
                continue
            seen += 1
            found_again += any(
                each.side == true.side
                and min(each.end_m * scale, true.end_m) - max(each.start_m * scale, true.start_m)
                > 0.5 * (true.end_m - true.start_m)
                for each in found.openings
            )
    assert seen >= 5
    assert found_again >= 0.7 * seen


def in_full_view(truth: SyntheticRoom, side: str, start_m: float, end_m: float) -> bool:
    at = {"left": truth.box.left_m, "right": truth.box.right_m, "far": truth.box.far_m}[side]
    places = [(a, at, z) if side == "far" else (at, a, z) for a in (start_m, end_m) for z in (1, 2)]
    pixels = truth.camera.project(np.array(places, float))
    size = (truth.camera.width, truth.camera.height)
    return bool(((pixels > 0) & (pixels < size)).all())


def test_strewn_rooms_are_refused() -> None:
    for seed in range(400, 405):
        found = geometry.understand(make_cluttered_room(seed).picture)
        assert isinstance(found, NotUnderstood), seed
        assert found.reason.endswith(".")


def blank(value: int) -> Picture:
    return np.full((600, 900, 3), value, np.uint8)


def noise() -> Picture:
    return np.random.default_rng(1).integers(0, 256, (600, 900, 3)).astype(np.uint8)


def text() -> Picture:
    page = blank(255)
    for row in range(18):
        line = "The quick brown fox jumps over the lazy dog 0123456789"
        cv2.putText(page, line, (20, 40 + 31 * row), 0, 0.7, (20, 20, 20), 1, cv2.LINE_AA)
    return page


def outdoors() -> Picture:
    """A meadow under the sky with trees and a road."""
    rng = np.random.default_rng(1)
    scene = np.zeros((700, 1000, 3))
    scene[:420] = (150, 190, 240)
    scene[420:] = (90, 140, 60)
    scene += cv2.GaussianBlur(rng.normal(0, 60, scene.shape), (0, 0), 2)
    picture = np.clip(scene, 0, 255).astype(np.uint8)
    for x in range(40, 1000, 90):
        cv2.line(picture, (x, 300), (x + 8, 520), (80, 60, 40), 14)
        cv2.circle(picture, (x, 300), 60, (30, 90, 30), -1)
    road = np.array([[420, 700], [480, 420], [520, 420], [760, 700]])
    cv2.fillPoly(picture, [road], (120, 120, 125))
    return picture


def stripes() -> Picture:
    picture = blank(240)
    picture[::40], picture[:, ::40] = 0, 0
    return picture


@pytest.mark.parametrize(
    "picture",
    [blank(0), blank(255), noise(), text(), outdoors(), stripes(), blank(128)[:40, :40]],
    ids=["black", "white", "noise", "text", "outdoors", "stripes", "tiny"],
)
def test_what_is_no_room_is_refused_and_drawn(picture: Picture) -> None:
    found = geometry.understand(picture)
    assert isinstance(found, NotUnderstood)
    assert found.confidence < 0.5
    drawn = geometry.overlay.draw(picture, found)
    assert drawn.dtype == np.uint8
    assert drawn.shape[0] > picture.shape[0]


def test_a_room_in_the_dark_is_refused() -> None:
    dark = (room(SEEDS[0]).picture // 12).astype(np.uint8)
    assert isinstance(geometry.understand(dark), NotUnderstood)


def test_the_same_photo_gives_the_same_room() -> None:
    seed = SEEDS[1]
    again = geometry.understand(room(seed).picture.copy())
    first = reading(seed)
    assert isinstance(first, Room)
    assert isinstance(again, Room)
    assert again.camera == first.camera
    assert (again.left, again.right, again.far) == (first.left, first.right, first.far)
    assert again.openings == first.openings
    assert np.array_equal(again.floor, first.floor)


@pytest.mark.parametrize("factor", [0.6, 2.5])
def test_size_of_the_photo_hardly_matters(factor: float) -> None:
    truth, found = accepted()[0]
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(truth.picture, None, fx=factor, fy=factor, interpolation=how)
    other = geometry.understand(np.asarray(resized, np.uint8))
    assert isinstance(other, Room)
    assert (other.camera.width, other.camera.height) == (resized.shape[1], resized.shape[0])
    assert other.camera.focal_px / factor == pytest.approx(found.camera.focal_px, rel=0.03)
    assert other.camera.pitch_deg == pytest.approx(found.camera.pitch_deg, abs=0.5)
    assert turned(other.camera.yaw_deg, found.camera.yaw_deg) < 0.7


def test_a_known_focal_length_is_taken_as_it_is() -> None:
    truth, _ = accepted()[0]
    found = geometry.understand(truth.picture, focal_px=truth.camera.focal_px)
    assert isinstance(found, Room)
    assert found.camera.focal_px == pytest.approx(truth.camera.focal_px, rel=2e-3)


def test_a_known_measure_sets_the_scale() -> None:
    truth, _ = accepted()[0]
    by_ceiling = geometry.understand(truth.picture, ceiling_m=3.0)
    by_camera = geometry.understand(truth.picture, camera_height_m=1.2)
    assert isinstance(by_ceiling, Room)
    assert isinstance(by_camera, Room)
    assert by_ceiling.ceiling_m == pytest.approx(3.0)
    assert by_camera.camera.height_m == pytest.approx(1.2)


def test_progress_runs_from_phase_to_phase_up_to_one() -> None:
    told: list[tuple[str, float]] = []
    geometry.understand(
        room(SEEDS[0]).picture, progress=lambda name, done: told.append((name, done))
    )
    shares = [done for _, done in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    found = reading(SEEDS[0])
    assert isinstance(found, Room)
    assert set(found.timings_ms) == {name for name, _ in told}


def test_the_overlay_of_a_room_shows_its_floor() -> None:
    truth, found = accepted()[0]
    drawn = geometry.overlay.draw(truth.picture, found)
    inside = footing(found, sigmas=0).astype(int)
    before = truth.picture[inside[:, 1], inside[:, 0]].astype(int)
    after = drawn[inside[:, 1], inside[:, 0]].astype(int)
    assert (before != after).any(axis=1).mean() > 0.9
