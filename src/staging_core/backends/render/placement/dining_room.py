"""The dining room: a table with its chairs over the middle of the floor."""

from __future__ import annotations

from .plan import RUG, STORAGE, TALL, WALL, Main, Plan
from .scene import Limits
from .spot import Spot

_SEATED = Limits(inside=0.96, hides=1.0, gap_m=0.0, through=("dining_table",), before_window=True)

PLAN = Plan(
    room_type="dining_room",
    mains=(
        Main("dining_table", (2.2,), around_m=0.75),
        Main("dining_table", (1.8,), around_m=0.7),
        Main("round_table", (1.2,), around_m=0.6),
        Main("dining_table", (1.4,), around_m=0.6),
        Main("round_table", (1.0,), around_m=0.5),
        Main("round_table", (0.8,), around_m=0.42),
    ),
    stands=("middle",),
    spots=(
        Spot("chair", "around", gap_m=0.18, weight=0.6, share=0.75, limits=_SEATED),
        Spot(
            "rug",
            "centred",
            ((3.4, 2.4), (3.0, 2.2), (2.5, 2.0), (2.2, 1.7), (1.8, 1.6)),
            weight=1.0,
            chance=0.8,
            limits=RUG,
        ),
        Spot("sideboard", "wall", ((1.8,), (1.5,), (1.2,)), gap_m=0.02, weight=0.9, limits=STORAGE),
        Spot(
            "mirror", "over", ((0.85,), (0.7,)), of="sideboard", weight=0.4, chance=0.4, limits=WALL
        ),
        Spot("wall_art", "over", ((1.2, 0.8), (0.9, 0.7)), of="sideboard", weight=0.5, limits=WALL),
        Spot("wall_art", "hung", ((1.2, 0.85), (0.8, 1.0), (0.6, 0.75)), weight=0.5, limits=WALL),
        Spot("plant", "corner", ((1.7,), (1.3,)), weight=0.8, limits=TALL),
        Spot("plant", "corner", ((1.2,),), weight=0.3, chance=0.4, limits=TALL),
        Spot("floor_lamp", "corner", gap_m=0.08, weight=0.4, chance=0.4, limits=TALL),
    ),
    needs=("chair", "chair"),
)
