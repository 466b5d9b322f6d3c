"""The synthetic rooms tell the truth about themselves."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging_core.testing.rooms import SyntheticRoom, make_cluttered_room, make_room
from staging_core.testing.rooms.floors import FLOOR_KINDS
from staging_core.testing.rooms.room import floor_mask

seeds = st.integers(0, 2**31 - 1)


@cache
def large(seed: int) -> SyntheticRoom:
    return make_room(seed)


def small(seed: int) -> SyntheticRoom:
    return make_room(seed, width=240, height=160)


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_the_same_seed_gives_the_same_bytes(seed: int) -> None:
    first, second = small(seed), small(seed)
    assert first.picture.tobytes() == second.picture.tobytes()
    assert first.camera == second.camera
    assert first.openings == second.openings


def test_other_seeds_give_other_rooms() -> None:
    assert len({small(seed).picture.tobytes() for seed in range(8)}) == 8


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_camera_and_box_stay_in_their_ranges(seed: int) -> None:
    room = small(seed)
    camera, box = room.camera, room.box
    view = 2 * np.degrees(np.arctan(camera.width / 2 / camera.focal_px))
    assert 52 <= view <= 98
    assert -4 <= camera.pitch_deg <= 12
    assert abs(camera.roll_deg) <= 2
    assert abs(camera.yaw_deg) <= 44
    assert 1.1 <= camera.height_m <= 1.7
    assert box.left_m < -0.2
    assert box.right_m > 0.2
    assert box.near_m < -0.1
    assert 3 <= box.right_m - box.left_m <= 8
    assert 3 <= box.far_m - box.near_m <= 8
    assert 2.3 <= box.ceiling_m <= 3.2


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_the_floor_mask_is_the_projected_floor(seed: int) -> None:
    room = small(seed)
    polygon = room.truth().floor_px
    drawn = np.zeros(room.floor.shape, np.uint8)
    cv2.fillPoly(drawn, [np.rint((polygon - 0.5) * 16).astype(np.int32)], 1, shift=4)
    ring = cv2.morphologyEx(drawn, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)).astype(bool)
    assert room.floor.any()
    assert np.array_equal(drawn.astype(bool)[~ring], room.floor[~ring])


@pytest.mark.parametrize("seed", range(6))
def test_the_picture_changes_where_the_truth_says_the_floor_ends(seed: int) -> None:
    room = large(seed)
    grey = cv2.cvtColor(room.picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    steps = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    border = cv2.morphologyEx(
        room.floor.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)
    ).astype(bool)
    border[[0, -1]] = border[:, [0, -1]] = False
    beside = np.roll(border, 14, axis=0) & room.floor
    assert steps[border].mean() > 2 * steps[beside].mean()


@pytest.mark.parametrize("seed", range(6))
def test_a_corner_of_the_truth_is_a_corner_of_the_mask(seed: int) -> None:
    room = large(seed)
    box = room.box
    feet = np.array([[box.left_m, box.far_m, 0.0], [box.right_m, box.far_m, 0.0]])
    pixels = room.camera.project(feet)
    inside = ((pixels > 4) & (pixels < np.array([955, 635]))).all(axis=1)
    assert inside.any()
    for x, y in pixels[inside]:
        around = room.floor[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5]
        assert 0 < around.mean() < 0.75


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_openings_lie_in_their_wall_and_apart(seed: int) -> None:
    room = small(seed)
    assert room.openings
    for opening in room.openings:
        start, end, _, top = room.box.extent(opening.side)
        assert start <= opening.start_m < opening.end_m <= end
        assert 0 <= opening.bottom_m < opening.top_m < top
        assert opening.kind in ("window", "door", "fireplace")
        assert opening.kind == "window" or opening.bottom_m == 0
    for side in ("left", "right", "far"):
        row = [opening for opening in room.openings if opening.side == side]
        assert all(a.end_m < b.start_m for a, b in pairwise(row))


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_a_door_swings_into_the_room_over_its_own_width(seed: int) -> None:
    room = small(seed)
    widths = [o.end_m - o.start_m for o in room.openings if o.kind == "door"]
    assert len(room.swings) <= len(widths)
    for swept in room.swings:
        assert min(abs(np.linalg.norm(swept[1] - swept[0]) - wide) for wide in widths) < 1e-9
        assert swept[:, 0].min() > room.box.left_m - 1e-9
        assert swept[:, 0].max() < room.box.right_m + 1e-9
        assert swept[:, 1].max() < room.box.far_m + 1e-9


def test_rooms_are_diverse() -> None:
    rooms = [small(seed) for seed in range(60)]
    assert {room.floor_kind for room in rooms} == set(FLOOR_KINDS)
    assert {o.kind for room in rooms for o in room.openings} == {"window", "door", "fireplace"}
    assert np.std([room.camera.yaw_deg for room in rooms]) > 12
    assert np.std([room.picture.mean() for room in rooms]) > 15
    assert np.std([room.floor.mean() for room in rooms]) > 0.08


@pytest.mark.parametrize("seed", range(5))
def test_clutter_hides_floor_and_is_not_counted_as_floor(seed: int) -> None:
    room = make_cluttered_room(seed, width=240, height=160)
    bare = floor_mask(room.camera, room.box)
    hidden = bare & ~room.floor
    assert hidden.sum() > 0.15 * bare.sum()
    assert not (room.floor & ~bare).any()
    assert room.camera == small(seed).camera


def test_any_picture_size_is_honoured() -> None:
    room = make_room(3, width=300, height=225)
    assert room.picture.shape == (225, 300, 3)
    assert room.picture.dtype == np.uint8
    assert room.floor.shape == (225, 300)
    assert (room.camera.width, room.camera.height) == (300, 225)
