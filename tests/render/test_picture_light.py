"""The photo as light: what arrives where, and what furniture takes away."""

from __future__ import annotations

import numpy as np
import pytest

from staging_core.backends.render.picture import render
from staging_core.backends.render.picture.exposure import calibrated
from staging_core.backends.render.picture.gather import Gatherer, bounces, hemisphere, turned
from staging_core.backends.render.picture.light_field import LightField
from staging_core.backends.render.picture.photo_light import PhotoLight
from staging_core.backends.render.picture.scene import Scene
from staging_core.backends.render.picture.tone import luminance, to_light
from staging_core.backends.render.picture.visibility import open_visibility
from staging_core.backends.render.room import Room

from .blocks import Pixels, block, even_photo, plain_room

ROOM = plain_room()
UP = np.array([[0, 0, 1]], np.float32)


def lit_from_the_right(room: Room) -> Pixels:
    photo = even_photo(room, 120)
    photo[:, room.camera.width * 3 // 4 :] = 225
    return photo


def test_in_an_even_room_as_much_light_arrives_as_leaves_its_walls() -> None:
    photo = even_photo(ROOM, 150)
    field = LightField.of(PhotoLight.of(photo, ROOM))
    normals = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
    arriving, _ = field.at(np.tile([[0.3, 2.5, 1.0]], (6, 1)).astype(np.float32), normals)
    assert np.allclose(arriving, to_light(photo[0, 0]), rtol=0.02)


def test_the_field_agrees_with_rays_that_are_followed_one_by_one() -> None:
    light = PhotoLight.of(lit_from_the_right(ROOM), ROOM)
    points = np.array([[0, 2, 0.5], [1, 3, 1], [-1, 4, 0.2]], np.float32)
    normals = np.array([[1, 0, 0], [0, -1, 0], [0, 0, 1]], np.float32)
    ways = turned(np.repeat(hemisphere(2048)[:1], 3, axis=0), normals)
    followed = light.along(np.repeat(points, 2048, axis=0), ways.reshape(-1, 3))
    arriving, _ = LightField.of(light).at(points, normals)
    assert np.allclose(arriving, followed.reshape(3, -1, 3).mean(axis=1), rtol=0.12)


def test_a_surface_turned_to_the_bright_side_gets_more_light() -> None:
    field = LightField.of(PhotoLight.of(lit_from_the_right(ROOM), ROOM))
    sides = np.array([[1, 0, 0], [-1, 0, 0]], np.float32)
    arriving, lean = field.at(np.tile([[0, 3, 1]], (2, 1)).astype(np.float32), sides)
    assert luminance(arriving)[0] > 1.3 * luminance(arriving)[1]
    assert (lean[:, 0] > 0).all()


@pytest.mark.parametrize("accelerated", [None, False])
def test_little_light_is_left_under_a_lid(accelerated: bool | None) -> None:
    scene = Scene.of([block(0, 3, (2, 2, 0.1), z=0.15, turn_deg=0)])
    gatherer = gatherer_of(scene, even_photo(ROOM), accelerated)
    points = np.array([[0, 3, 0.001], [-1.9, 1, 0.001]], np.float32)
    found = gatherer.at(points, np.repeat(UP, 2, axis=0), np.zeros(2, np.int32), 256)
    assert found.kept[0].max() < 0.15
    assert found.kept[1].min() > 0.9


def test_exposure_makes_a_white_wall_white() -> None:
    light = PhotoLight.of(even_photo(ROOM, 160), ROOM)
    tuned = calibrated(light, LightField.of(light))
    level = float(to_light(np.array(160, np.uint8)))
    assert tuned.white == pytest.approx([level / 0.82] * 3, rel=0.02)
    assert tuned.exposure == pytest.approx([1 / 0.82] * 3, rel=0.05)


def test_shadows_darken_and_never_brighten_the_room() -> None:
    photo = even_photo(ROOM, noise=2)
    rendered = render(photo, ROOM, (block(0.1, 3.0),), seed=1)
    outside = rendered.changed & ~_covered((block(0.1, 3.0),))
    change = rendered.picture[outside].astype(int) - photo[outside]
    assert outside.mean() > 0.01
    assert change.max() <= 2


def test_a_shadow_is_darkest_at_the_foot_and_ends_without_a_step() -> None:
    photo = even_photo(ROOM)
    piece = block(0.0, 3.0, turn_deg=0)
    picture = render(photo, ROOM, (piece,), seed=1).picture.astype(int)
    foot = ROOM.camera.project(np.array([[0.42, 3.0, 0.0]]))[0].astype(int)
    row = (photo.astype(int) - picture)[foot[1], foot[0] + 1 :].mean(axis=1)
    assert row[:4].max() > 12
    ends = int(np.flatnonzero(row > 0)[-1])
    assert ends < len(row) - 1, "the shadow runs out of the picture"
    assert row[ends - 2 : ends + 1].max() <= 4


def test_shadows_stay_within_their_share_of_the_picture() -> None:
    many = [block(x, y, (0.3, 0.3, 1.2)) for x in (-1.5, -0.5, 0.5, 1.5) for y in (2.5, 3.5, 4.5)]
    rendered = render(even_photo(ROOM), ROOM, many, seed=1)
    furniture = _covered(tuple(many))
    assert (rendered.changed & ~furniture).mean() <= 0.15
    assert rendered.changed.mean() <= 0.40


def gatherer_of(scene: Scene, photo: Pixels, accelerated: bool | None) -> Gatherer:
    light = PhotoLight.of(photo, ROOM)
    field = LightField.of(light)
    return Gatherer(
        light,
        field,
        open_visibility(scene, accelerated),
        scene.face_normals(),
        bounces(scene, field, light),
    )


def _covered(placed: tuple[object, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Pixels with furniture, and those next to it, where both mix."""
    import cv2

    from staging_core.backends.render.picture.lens import Lens

    scene = Scene.of(placed)  # type: ignore[arg-type]
    camera = ROOM.camera
    pixels = np.arange(camera.width * camera.height)
    faces = open_visibility(scene).seen(Lens.on(scene, camera), pixels)
    mask = (faces >= 0).reshape(camera.height, camera.width).astype(np.uint8)
    return np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0)
