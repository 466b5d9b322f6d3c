"""The bedroom: a bed between nightstands."""

from __future__ import annotations

from .plan import LOOSE, ON_TOP, RUG, STORAGE, TALL, WALL, Main, Plan
from .scene import Limits
from .spot import Spot

PLAN = Plan(
    room_type="bedroom",
    mains=(
        Main("bed", (1.8,), ahead_m=0.6, aside_m=0.6),
        Main("bed", (1.6,), ahead_m=0.5, aside_m=0.55),
        Main("bed", (1.4,), ahead_m=0.3, aside_m=0.5),
        Main("bed", (0.9,), ahead_m=0.3, resort=2),
    ),
    stands=("wall",),
    spots=(
        Spot("nightstand", "beside", gap_m=0.06, side=-1, weight=1.0, limits=Limits(inside=0.8)),
        Spot("table_lamp", "on", of="nightstand", weight=0.5, limits=ON_TOP),
        Spot("nightstand", "beside", gap_m=0.06, side=1, weight=1.0, limits=Limits(inside=0.8)),
        Spot("table_lamp", "on", of="nightstand", weight=0.5, limits=ON_TOP),
        Spot(
            "rug", "under", ((3.0, 2.0), (2.6, 1.8), (2.3, 1.5)), gap_m=0.55, weight=1.0, limits=RUG
        ),
        Spot("rug", "under", ((2.2, 1.2), (1.8, 1.0)), gap_m=0.35, weight=0.6, limits=RUG),
        Spot(
            "bench",
            "before",
            ((1.3,), (1.1,)),
            gap_m=0.05,
            weight=0.6,
            chance=0.6,
            limits=Limits(hides=0.2),
        ),
        Spot(
            "picture_pair", "over", ((1.3, 0.7), (1.0, 0.65)), weight=0.7, chance=0.5, limits=WALL
        ),
        Spot("wall_art", "over", ((1.2, 0.75), (0.9, 0.65)), weight=0.7, limits=WALL),
        Spot(
            "dresser", "wall", ((1.4,), (1.1,)), gap_m=0.02, weight=0.8, chance=0.8, limits=STORAGE
        ),
        Spot(
            "mirror", "over", ((0.8,), (0.65,)), of="dresser", weight=0.4, chance=0.8, limits=WALL
        ),
        Spot("plant", "corner", ((1.5,), (1.2,)), weight=0.7, limits=TALL),
        Spot("armchair", "corner", gap_m=0.1, weight=0.6, chance=0.5, limits=LOOSE),
        Spot("floor_lamp", "corner", gap_m=0.08, weight=0.4, chance=0.5, limits=TALL),
    ),
)
