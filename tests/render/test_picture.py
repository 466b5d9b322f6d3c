"""Furniture drawn into a photo: what changes, what stays, and how bright it is."""

from __future__ import annotations

import numpy as np
import pytest

from staging_core.backends.render.picture import render
from staging_core.backends.render.picture.tone import luminance, to_light, to_srgb

from .blocks import BLACK, GLASS, WHITE, block, even_photo, plain_room

ROOM = plain_room()
BLOCKS = (block(0.2, 3.0), block(-1.0, 3.6, (0.5, 0.5, 1.2)))


def test_pixels_that_are_not_changed_are_the_photos_own() -> None:
    photo = even_photo(ROOM, noise=3)
    rendered = render(photo, ROOM, BLOCKS, seed=1)
    assert rendered.picture.shape == photo.shape
    assert np.array_equal(rendered.picture[~rendered.changed], photo[~rendered.changed])
    assert (rendered.picture[rendered.changed] != photo[rendered.changed]).any(axis=1).all()
    assert 0.05 < rendered.changed.mean() <= 0.40


def test_the_photo_handed_in_is_not_written_to() -> None:
    photo = even_photo(ROOM)
    before = photo.copy()
    render(photo, ROOM, BLOCKS, seed=1)
    assert np.array_equal(photo, before)


@pytest.mark.parametrize("accelerated", [None, False])
def test_the_same_seed_gives_the_same_bytes(accelerated: bool | None) -> None:
    photo = even_photo(ROOM, noise=3)
    first, second = (
        render(photo, ROOM, BLOCKS, seed=7, accelerated=accelerated).picture for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_another_seed_changes_only_the_grain() -> None:
    photo = even_photo(ROOM, noise=3)
    first, second = (render(photo, ROOM, BLOCKS, seed=seed).picture for seed in (1, 2))
    difference = np.abs(first.astype(int) - second)
    assert 0 < difference.mean() < 3
    assert difference.max() < 40


def test_nothing_to_place_leaves_the_photo_as_it_is() -> None:
    photo = even_photo(ROOM, noise=3)
    rendered = render(photo, ROOM, (), seed=1)
    assert np.array_equal(rendered.picture, photo)
    assert not rendered.changed.any()


def test_furniture_behind_the_viewer_leaves_the_photo_as_it_is() -> None:
    photo = even_photo(ROOM)
    assert not render(photo, ROOM, (block(0.0, -1.5),), seed=1).changed.any()


def test_a_white_block_is_about_as_bright_as_a_white_room() -> None:
    photo = even_photo(ROOM, 190)
    piece = block(0.1, 3.0, (0.9, 0.9, 0.6), material=WHITE, turn_deg=0)
    rendered = render(photo, ROOM, (piece,), seed=1)
    top = ROOM.camera.project(np.array([[0.1, 3.0, 0.6]]))[0].astype(int)
    shown = luminance(to_light(rendered.picture[top[1], top[0]]))
    assert shown == pytest.approx(luminance(to_light(photo[0, 0])), rel=0.35)


def test_half_the_light_in_the_photo_is_half_the_light_on_furniture() -> None:
    bright = even_photo(ROOM, 180)
    dim = np.rint(to_srgb(to_light(bright) * np.float32(0.5))).astype(np.uint8)
    core = _core()
    shown = [
        luminance(to_light(render(photo, ROOM, BLOCKS, seed=1).picture[core])).mean()
        for photo in (bright, dim)
    ]
    assert shown[1] / shown[0] == pytest.approx(0.5, abs=0.06)


def test_warm_light_makes_grey_furniture_warm() -> None:
    photo = even_photo(ROOM, (200, 170, 130))
    red, _, blue = render(photo, ROOM, BLOCKS, seed=1).picture[_core()].mean(axis=(0, 1))
    assert red > blue + 15


def test_the_room_is_seen_through_glass() -> None:
    photo = even_photo(ROOM)
    solid, clear = (
        render(photo, ROOM, (block(0.1, 3.0, material=material),), seed=1).picture
        for material in (BLACK, GLASS)
    )
    middle = ROOM.camera.project(np.array([[0.1, 2.6, 0.3]]))[0].astype(int)
    assert solid[middle[1], middle[0]].mean() < 90
    assert clear[middle[1], middle[0]].mean() == pytest.approx(170, abs=45)


def test_progress_only_grows_and_names_its_phases() -> None:
    heard: list[tuple[float, str]] = []
    render(even_photo(ROOM), ROOM, BLOCKS, seed=1, progress=lambda *word: heard.append(word))
    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert {phase for _, phase in heard} >= {"light", "shadows", "composite"}


def test_each_phase_is_timed() -> None:
    timings = render(even_photo(ROOM), ROOM, BLOCKS, seed=1).timings_ms
    assert list(timings) == ["light", "visibility", "gather", "shadows", "composite"]
    assert all(milliseconds >= 0 for milliseconds in timings.values())


def test_every_byte_survives_the_way_to_light_and_back() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(np.rint(to_srgb(to_light(every))), every)


def _core() -> tuple[slice, slice]:
    """Pixels well inside the first block."""
    x, y = ROOM.camera.project(np.array([[0.2, 2.75, 0.25]]))[0].astype(int)
    return slice(y - 2, y + 3), slice(x - 3, x + 4)
