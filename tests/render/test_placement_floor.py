"""The usable floor, the view and the words of a wish."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from staging_core.backends.render.furniture.catalogue import build
from staging_core.backends.render.furniture.style import choose_look
from staging_core.backends.render.placement.floor import usable_floor
from staging_core.backends.render.placement.pose import Pose, grown, overlap, rectangle
from staging_core.backends.render.placement.requests import read_request
from staging_core.backends.render.placement.view import View

from .rooms_by_hand import hand_room

LOOK = choose_look("modern", 1)


def test_the_floor_holds_what_lies_inside_and_nothing_beyond() -> None:
    floor = usable_floor(hand_room(spread=0.0))
    assert floor.holds(rectangle(-1, 1, 3, 4))
    assert not floor.holds(rectangle(-2.5, 0, 3, 4))
    assert not floor.holds(rectangle(-1, 1, 4.8, 5.3))


def test_uncertain_walls_leave_less_floor() -> None:
    sure, unsure = (usable_floor(hand_room(spread=spread)) for spread in (0.0, 0.15))
    assert unsure.area_m2 < sure.area_m2 - 1
    assert sure.holds(rectangle(-2.1, -1.5, 3, 4))
    assert not unsure.holds(rectangle(-2.1, -1.5, 3, 4))


def test_things_on_the_floor_are_no_floor_but_glare_is() -> None:
    room = hand_room()
    with_thing, with_glare = room.floor.copy(), room.floor.copy()
    pixels = room.camera.project(np.array([[-0.6, 3.4, 0], [0.6, 2.4, 0]])) / 4
    (x0, y0), (x1, y1) = pixels.astype(int)
    with_thing[y0:y1, x0:x1] = False
    with_glare[y0 + 4 : y0 + 8, x0 + 20 : x0 + 30] = False
    patch = rectangle(-0.5, 0.5, 2.5, 3.3)
    assert not usable_floor(replace(room, floor=with_thing)).holds(patch)
    assert usable_floor(replace(room, floor=with_glare)).holds(patch)


def test_a_turned_footprint_is_judged_by_its_own_cells() -> None:
    floor = usable_floor(hand_room(-1.5, 1.5, 4.6, spread=0.0, pitch=12))
    board = Pose(0.0, 3.1, 45.0).place(build("sofa", LOOK, (2.1,))).footprint_m()
    assert floor.holds(board)
    assert not floor.holds(board + np.array([1.0, 0.0]))


def test_rectangles_that_touch_do_not_overlap_and_grow_until_they_do() -> None:
    one, other = rectangle(0, 1, 0, 1), rectangle(1, 2, 0, 1)
    assert not overlap(one, other)
    assert overlap(grown(one, 0.01), other)
    turned = Pose(1.3, 0.5, 45.0).place(build("side_table", LOOK)).footprint_m()
    assert overlap(turned, other)


def test_a_pose_moves_in_its_own_frame() -> None:
    pose = Pose(1.0, 2.0, 90.0).at(0.0, -1.0)
    assert (pose.x, pose.y) == pytest.approx((2.0, 2.0))


def test_nearer_furniture_covers_more_of_the_picture() -> None:
    view = View(hand_room().camera)
    sofa = build("sofa", LOOK, (2.1,))
    near, far = (view.coverage([Pose(0.0, y).place(sofa)]) for y in (2.2, 4.4))
    assert 0.02 < far < near / 2 < 0.5
    assert view.coverage([]) == 0.0


def test_an_outline_says_how_much_of_a_piece_is_in_the_picture() -> None:
    view = View(hand_room().camera)
    sofa = build("sofa", LOOK, (2.1,))
    whole, cut = (view.outline(Pose(x, 4.0).place(sofa)) for x in (0.0, 3.2))
    assert whole is not None
    assert cut is not None
    assert whole.inside == pytest.approx(1.0)
    assert 0.1 < cut.inside < 0.9
    assert view.outline(Pose(0.0, 0.1).place(sofa)) is None


@pytest.mark.parametrize(
    ("written", "kind", "count"),
    [
        ("sofa", "sofa", 1),
        ("two armchairs", "armchair", 2),
        ("3 plants", "plant", 3),
        ("a grey velvet couch", "sofa", 1),
        ("pair of nightstands", "nightstand", 2),
        ("bookshelves", "bookshelf", 1),
        ("benches", "bench", 1),
        ("dining table", "dining_table", 1),
        ("coffee_table", "coffee_table", 1),
        ("an arcade machine", None, 1),
        ("", None, 1),
    ],
)
def test_wishes_are_read_from_words(written: str, kind: str | None, count: int) -> None:
    request = read_request(written)
    assert (request.kind, request.count, request.written) == (kind, count, written)


def test_a_wish_for_very_many_is_a_wish_for_many() -> None:
    assert read_request("5000 chairs").count == 8
