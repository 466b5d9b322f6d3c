"""All pieces by kind, built once for each look and size."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from staging_core.backends.render.mesh import Piece

from .armchairs import armchair
from .beds import bed, bench
from .cabinets import dresser, media_unit, nightstand, sideboard
from .chairs import chair
from .dining_tables import dining_table
from .lamps import floor_lamp, table_lamp
from .plants import plant
from .rugs import rug
from .shelves import bookshelf, console
from .sofas import sofa
from .style import Look
from .tables import coffee_table, side_table
from .wall_art import mirror, picture_pair, wall_art

Builder = Callable[..., Piece]


def _round_rug(look: Look, diameter_m: float = 2.0) -> Piece:
    return rug(look, diameter_m, round_one=True)


def _round_table(look: Look, diameter_m: float = 1.1) -> Piece:
    return dining_table(look, diameter_m, round_one=True)


PIECES: dict[str, Builder] = {
    "armchair": armchair,
    "bed": bed,
    "bench": bench,
    "bookshelf": bookshelf,
    "chair": chair,
    "coffee_table": coffee_table,
    "console": console,
    "dining_table": dining_table,
    "dresser": dresser,
    "floor_lamp": floor_lamp,
    "media_unit": media_unit,
    "mirror": mirror,
    "nightstand": nightstand,
    "picture_pair": picture_pair,
    "plant": plant,
    "round_rug": _round_rug,
    "round_table": _round_table,
    "rug": rug,
    "side_table": side_table,
    "sideboard": sideboard,
    "sofa": sofa,
    "table_lamp": table_lamp,
    "wall_art": wall_art,
}


@lru_cache(maxsize=64)
def build(kind: str, look: Look, size: tuple[float, ...] = ()) -> Piece:
    """The piece ``kind`` in this look; ``size`` in metres as its builder takes it, or the usual.

    Raises ``KeyError`` for a kind that is not in `PIECES`.
    """
    return PIECES[kind](look, *size)
