"""Placement: everything on the floor, nothing in the way, the same seed the same layout."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging_core.backends.render.mesh import Placed
from staging_core.backends.render.placement import PLANS, Layout, NoPlace, describe, furnish
from staging_core.backends.render.placement.pose import Points, overlap
from staging_core.backends.render.room import Room

from .rooms_by_hand import hand_room, opening

MAIN = {"living_room": "sofa", "bedroom": "bed", "dining_room": "dining_table"}
ROOM_TYPES = sorted(MAIN)

rooms = st.builds(
    hand_room,
    left=st.floats(-3.5, -1.4),
    right=st.floats(1.4, 3.5),
    far=st.floats(3.4, 8.0),
    focal=st.floats(0.5, 0.9),
    pitch=st.floats(2, 14),
    yaw=st.floats(-35, 35),
    spread=st.floats(0.0, 0.12),
)


def furnished(room: Room, room_type: str, seed: int = 1, **wishes: tuple[str, ...]) -> Layout:
    layout = furnish(room, room_type=room_type, style="modern", seed=seed, **wishes)
    assert isinstance(layout, Layout)
    return layout


def on_floor(layout: Layout) -> list[Placed]:
    return [placed for placed in layout.placed if placed.piece.stand in ("floor", "rug")]


def kinds(layout: Layout) -> list[str]:
    return [placed.piece.kind for placed in layout.placed]


def distance_to(corners: Points, start: Points, end: Points) -> float:
    """Between a footprint and a wall segment, sampled along both."""
    edge = np.concatenate(
        [corners + (np.roll(corners, -1, axis=0) - corners) * t for t in np.linspace(0, 1, 12)]
    )
    wall = start + (end - start) * np.linspace(0, 1, 40)[:, None]
    return float(np.linalg.norm(edge[:, None] - wall[None], axis=-1).min())


@pytest.mark.parametrize("room_type", ROOM_TYPES)
def test_the_main_piece_comes_first_and_in_view(room_type: str) -> None:
    room = hand_room()
    main = furnished(room, room_type).placed[0]
    assert main.piece.kind == MAIN[room_type]
    (report, *_) = describe(room, Layout((main,)))
    pixels = np.array(report.footprint_px)
    assert (pixels >= -40).all()
    assert (pixels <= np.array([960, 640]) + 40).all()


@settings(max_examples=30, deadline=None)
@given(rooms, st.sampled_from(ROOM_TYPES), st.integers(0, 50))
def test_every_footprint_keeps_two_and_a_half_deviations_from_the_walls(
    room: Room, room_type: str, seed: int
) -> None:
    layout = furnish(room, room_type=room_type, style="japandi", seed=seed)
    if isinstance(layout, NoPlace):
        return
    for placed in on_floor(layout):
        x, y = placed.footprint_m().T
        assert x.min() >= room.left.at_m + 2.5 * room.left.spread_m
        assert x.max() <= room.right.at_m - 2.5 * room.right.spread_m
        assert y.max() <= room.far.at_m - 2.5 * room.far.spread_m
        assert y.min() > 0


@settings(max_examples=30, deadline=None)
@given(rooms, st.sampled_from(ROOM_TYPES), st.integers(0, 50))
def test_no_two_pieces_stand_in_one_place(room: Room, room_type: str, seed: int) -> None:
    layout = furnish(room, room_type=room_type, style="coastal", seed=seed)
    if isinstance(layout, NoPlace):
        return
    standing = [
        placed
        for placed in on_floor(layout)
        if placed.piece.stand == "floor" and placed.piece.kind != "chair"
    ]
    for i, one in enumerate(standing):
        for other in standing[i + 1 :]:
            assert not overlap(one.footprint_m(), other.footprint_m())


@pytest.mark.parametrize("room_type", ROOM_TYPES)
@pytest.mark.parametrize(
    "size", [(-1.5, 1.5, 4.2), (-1.6, 1.4, 4.6), (-2.0, 1.2, 4.4), (-2.5, 2.5, 6.0)]
)
def test_small_and_large_rooms_get_their_main_piece(
    room_type: str, size: tuple[float, float, float]
) -> None:
    layout = furnished(hand_room(*size, pitch=10), room_type)
    assert layout.placed[0].piece.kind == MAIN[room_type]


def test_a_dining_table_has_chairs_around_it() -> None:
    layout = furnished(hand_room(), "dining_room")
    table, *others = layout.placed
    chairs = [placed for placed in others if placed.piece.kind == "chair"]
    assert len(chairs) >= 4
    for chair in chairs:
        turn = np.radians(chair.turn_deg)
        front = np.array([np.sin(turn), -np.cos(turn)])
        towards = np.array([table.x_m - chair.x_m, table.y_m - chair.y_m])
        assert front @ towards > 0


def test_chairs_stand_at_both_sides_of_a_table_or_it_is_another_table() -> None:
    window = opening("window", "right", (1.0, 4.5), bottom=0.3)
    room = hand_room(-1.6, 1.6, 4.8, pitch=10, openings=(window,))
    for seed in range(5):
        table, *others = furnished(room, "dining_room", seed).placed
        chairs = [placed for placed in others if placed.piece.kind == "chair"]
        turn = np.radians(table.turn_deg)
        back = np.array([-np.sin(turn), np.cos(turn)])
        side = [(chair.x_m - table.x_m, chair.y_m - table.y_m) @ back for chair in chairs]
        balance = sum(np.sign(np.round(side, 1)))
        assert abs(balance) <= 1


def test_a_beds_headboard_is_at_a_wall_between_nightstands() -> None:
    room = hand_room()
    bed, *others = furnished(room, "bedroom").placed
    back = bed.footprint_m()[[2, 3]]
    to_walls = (
        room.far.at_m - back[:, 1],
        back[:, 0] - room.left.at_m,
        room.right.at_m - back[:, 0],
    )
    assert min(float(np.abs(gap).max()) for gap in to_walls) < 0.5
    assert [placed.piece.kind for placed in others].count("nightstand") == 2


def test_the_coffee_table_is_within_reach_of_the_sofa() -> None:
    for seed in range(6):
        layout = furnished(hand_room(), "living_room", seed)
        sofa = layout.placed[0]
        table = next(p for p in layout.placed if p.piece.kind == "coffee_table")
        away = float(np.hypot(table.x_m - sofa.x_m, table.y_m - sofa.y_m))
        gap = away - (sofa.piece.size_m[1] + table.piece.size_m[1]) / 2
        assert 0.3 < gap < 0.6


@pytest.mark.parametrize("room_type", ROOM_TYPES)
def test_nothing_stands_within_the_swing_of_a_door(room_type: str) -> None:
    room = hand_room(openings=(opening("door", "left", (2.6, 3.4)),))
    start, end = np.array([room.left.at_m, 2.6]), np.array([room.left.at_m, 3.4])
    for seed in range(5):
        for placed in on_floor(furnished(room, room_type, seed)):
            assert distance_to(placed.footprint_m(), start, end) >= 0.9


@pytest.mark.parametrize("room_type", ROOM_TYPES)
def test_nothing_tall_stands_before_a_window(room_type: str) -> None:
    room = hand_room(openings=(opening("window", "far", (-1.0, 1.0), bottom=0.9),))
    for seed in range(5):
        for placed in furnished(room, room_type, seed).placed:
            x, y = placed.footprint_m().T
            before = y.max() > room.far.at_m - 0.7 and x.max() > -1.0 and x.min() < 1.0
            assert not (before and placed.piece.size_m[2] > 0.9), placed.piece.kind


def test_pictures_hang_clear_of_windows_on_walls_that_were_seen() -> None:
    window = opening("window", "far", (-0.2, 1.6), bottom=0.8)
    room = hand_room(openings=(window,))
    for seed in range(6):
        layout = furnished(room, "living_room", seed)
        for art in (p for p in layout.placed if p.piece.kind == "wall_art" and p.turn_deg == 0):
            x = art.footprint_m()[:, 0]
            assert x.max() <= window.start_m or x.min() >= window.end_m
    unseen = furnished(hand_room(seen=False), "living_room")
    assert "wall_art" not in kinds(unseen)


def test_only_low_things_stand_before_a_fireplace() -> None:
    room = hand_room(far=5.6, openings=(opening("fireplace", "far", (-0.7, 0.7)),))
    for seed in range(6):
        for placed in on_floor(furnished(room, "living_room", seed)):
            x, y = placed.footprint_m().T
            before = y.max() > room.far.at_m - 1.15 and x.max() > -0.7 and x.min() < 0.7
            assert not before or placed.piece.kind in ("rug", "coffee_table")


def test_the_same_seed_gives_the_same_layout_and_seeds_differ() -> None:
    room = hand_room()

    def layout(seed: int) -> tuple[tuple[object, ...], ...]:
        placed = furnished(room, "living_room", seed).placed
        return tuple((p.piece.kind, p.x_m, p.y_m, p.z_m, p.turn_deg) for p in placed)

    assert layout(7) == layout(7)
    assert len({layout(seed) for seed in range(8)}) >= 5


def test_weak_evidence_never_gets_the_largest_main_piece() -> None:
    def widest(confidence: float) -> float:
        room = hand_room(left=-3, right=3, far=7, confidence=confidence)
        layouts = [furnished(room, "living_room", seed) for seed in range(5)]
        return max(layout.placed[0].piece.size_m[0] for layout in layouts)

    assert widest(0.3) < 2.3 < widest(0.9)


def test_wishes_are_placed_or_named() -> None:
    room = hand_room(far=6.5, left=-2.8, right=2.8)
    wishes = ("sofa", "two armchairs", "a bookcase", "grand piano")
    layout = furnished(room, "living_room", furniture=wishes)
    assert kinds(layout).count("armchair") >= 2
    assert "bookshelf" in kinds(layout)
    assert layout.not_placed == ("grand piano",)


def test_a_wish_that_finds_no_floor_is_named() -> None:
    room = hand_room(-1.5, 1.5, 4.2, pitch=10)
    layout = furnished(room, "bedroom", furniture=("three sofas",))
    assert layout.not_placed == ("three sofas",)


@pytest.mark.parametrize("room_type", ROOM_TYPES)
def test_a_strip_of_floor_is_no_place(room_type: str) -> None:
    outcome = furnish(hand_room(far=1.2), room_type=room_type, style="modern", seed=1)
    assert isinstance(outcome, NoPlace)
    assert outcome.reason.endswith(".")


def test_unknown_room_types_are_refused() -> None:
    with pytest.raises(KeyError):
        furnish(hand_room(), room_type="ballroom", style="modern", seed=1)


def test_the_report_names_class_sizes_and_footprints() -> None:
    room = hand_room()
    layout = furnished(room, "living_room")
    reports = describe(room, layout)
    assert [report.kind for report in reports] == kinds(layout)
    sofa = reports[0]
    assert "class" in type(sofa).__struct_encode_fields__
    assert len(sofa.footprint_m) == len(sofa.footprint_px) == 4
    ground = room.camera.on_floor(np.array(sofa.footprint_px))
    assert np.allclose(ground, sofa.footprint_m, atol=0.05)


def test_every_plan_is_named_for_its_room() -> None:
    assert {name: plan.room_type for name, plan in PLANS.items()} == {n: n for n in PLANS}
