"""Plans: which piece a kind of room is about, where it may stand, and what goes with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .scene import Limits
from .spot import Size, Spot


@dataclass(frozen=True, slots=True)
class Main:
    """One size of the main piece and the free floor it needs.

    ``ahead_m`` of free floor before it, ``aside_m`` at both sides (wished for, not demanded);
    ``around_m`` on all sides (demanded, for a table with chairs). ``resort``: how many steps of
    strictness must have failed before this size is thought of.
    """

    kind: str
    size: Size
    ahead_m: float = 0.0
    aside_m: float = 0.0
    around_m: float = 0.0
    resort: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A kind of room as data.

    ``mains``: large first. ``stands``: ``wall`` (back to a wall), ``island`` (before a wall, but
    free of it) or ``middle`` (anywhere, lengthwise or across). ``spots`` in order of placing.
    ``needs``: kinds without which the main piece does not count as placed.
    """

    room_type: str
    mains: tuple[Main, ...]
    stands: tuple[str, ...]
    spots: tuple[Spot, ...]
    needs: tuple[str, ...] = ()
    extras: dict[str, Spot] = field(default_factory=dict)


LOOSE = Limits(gap_m=0.12, inside=0.95)
TALL = Limits(gap_m=0.12, inside=0.9, hides=0.06)
RUG = Limits(inside=0.85)
WALL = Limits(inside=0.97)
STORAGE = Limits(gap_m=0.45, inside=0.95, hides=0.10, fore=0.85)
ON_TOP = Limits(inside=0.9, hides=0.2)

EXTRAS: dict[str, Spot] = {
    "armchair": Spot("armchair", "facing", limits=LOOSE),
    "bed": Spot("bed", "wall", ((1.6,), (1.4,)), limits=STORAGE),
    "bench": Spot("bench", "wall", ((1.2,), (0.9,)), limits=STORAGE),
    "bookshelf": Spot("bookshelf", "wall", ((0.9,), (0.7,)), limits=STORAGE),
    "chair": Spot("chair", "wall", limits=LOOSE),
    "coffee_table": Spot(
        "coffee_table", "before", ((1.0,), (0.8,)), gap_m=0.4, limits=Limits(hides=0.4)
    ),
    "console": Spot("console", "wall", ((1.1,), (0.9,)), limits=STORAGE),
    "dining_table": Spot("dining_table", "wall", ((1.6,), (1.2,)), gap_m=0.6, limits=STORAGE),
    "dresser": Spot("dresser", "wall", ((1.3,), (1.0,)), limits=STORAGE),
    "floor_lamp": Spot("floor_lamp", "corner", gap_m=0.05, limits=TALL),
    "media_unit": Spot("media_unit", "wall", ((1.6,), (1.2,)), limits=STORAGE),
    "mirror": Spot("mirror", "hung", ((0.8,), (0.6,)), limits=WALL),
    "nightstand": Spot("nightstand", "beside", gap_m=0.06, limits=LOOSE),
    "plant": Spot("plant", "corner", ((1.5,), (1.1,)), limits=TALL),
    "rug": Spot("rug", "under", ((2.4, 1.7), (1.8, 1.2)), gap_m=1.2, limits=RUG),
    "side_table": Spot("side_table", "beside", gap_m=0.05, limits=LOOSE),
    "sideboard": Spot("sideboard", "wall", ((1.6,), (1.2,)), limits=STORAGE),
    "sofa": Spot("sofa", "wall", ((2.0,), (1.5,)), limits=STORAGE),
    "table_lamp": Spot("table_lamp", "on", of="side_table", limits=ON_TOP),
    "wall_art": Spot("wall_art", "hung", ((0.9, 0.7), (0.6, 0.8)), limits=WALL),
}
"""Where a piece that somebody asks for goes when the plan has no spot for it."""
