"""The living room: a sofa and what belongs to a conversation."""

from __future__ import annotations

from .plan import LOOSE, ON_TOP, RUG, STORAGE, TALL, WALL, Main, Plan
from .scene import Limits
from .spot import Spot

SEAT = Limits(gap_m=0.12, inside=0.95, fore=0.8)

PLAN = Plan(
    room_type="living_room",
    mains=(
        Main("sofa", (2.4,), ahead_m=1.5),
        Main("sofa", (2.1,), ahead_m=1.4),
        Main("sofa", (1.8,), ahead_m=1.1),
        Main("sofa", (1.5,), ahead_m=0.6),
    ),
    stands=("wall", "island"),
    spots=(
        Spot(
            "rug",
            "under",
            ((3.2, 2.2), (2.7, 1.8), (2.2, 1.5), (1.7, 1.2)),
            gap_m=1.35,
            weight=1.2,
            limits=RUG,
        ),
        Spot("rug", "under", ((2.4, 1.3), (1.8, 1.0)), gap_m=0.8, weight=0.8, limits=RUG),
        Spot(
            "coffee_table",
            "before",
            ((1.2,), (1.0,), (0.8,)),
            gap_m=0.40,
            weight=1.6,
            limits=Limits(hides=0.45),
        ),
        Spot("side_table", "beside", gap_m=0.05, weight=0.7, limits=LOOSE),
        Spot("table_lamp", "on", of="side_table", weight=0.4, limits=ON_TOP),
        Spot("floor_lamp", "beside", gap_m=0.06, weight=0.7, chance=0.7, limits=Limits(inside=0.8)),
        Spot("armchair", "facing", weight=1.3, limits=SEAT),
        Spot(
            "picture_pair", "over", ((1.4, 0.75), (1.1, 0.7)), weight=0.8, chance=0.4, limits=WALL
        ),
        Spot("wall_art", "over", ((1.2, 0.8), (0.9, 0.7), (0.6, 0.75)), weight=0.8, limits=WALL),
        Spot(
            "media_unit",
            "wall",
            ((1.8,), (1.5,)),
            gap_m=0.02,
            weight=0.6,
            chance=0.45,
            limits=STORAGE,
        ),
        Spot(
            "bookshelf",
            "wall",
            ((0.9,), (0.7,)),
            gap_m=0.02,
            weight=0.6,
            chance=0.4,
            limits=STORAGE,
        ),
        Spot("plant", "corner", ((1.6,), (1.3,)), weight=0.8, limits=TALL),
        Spot("armchair", "facing", weight=0.9, chance=0.6, limits=SEAT),
        Spot("sideboard", "wall", ((1.5,),), gap_m=0.02, weight=0.4, chance=0.4, limits=STORAGE),
        Spot("plant", "corner", ((1.1,),), weight=0.3, chance=0.4, limits=TALL),
    ),
)
