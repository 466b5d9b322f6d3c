"""What furniture somebody asks for, read from words such as "two armchairs"."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "pair": 2, "three": 3, "four": 4, "five": 5,
            "six": 6, "eight": 8}  # fmt: skip
_NAMES = {
    "sofa": "sofa", "couch": "sofa", "loveseat": "sofa", "settee": "sofa",
    "armchair": "armchair", "lounge chair": "armchair", "accent chair": "armchair",
    "coffee table": "coffee_table", "side table": "side_table", "end table": "side_table",
    "rug": "rug", "carpet": "rug", "floor lamp": "floor_lamp", "table lamp": "table_lamp",
    "lamp": "floor_lamp", "plant": "plant", "tree": "plant", "wall art": "wall_art",
    "art": "wall_art", "painting": "wall_art", "picture": "wall_art", "mirror": "mirror",
    "media unit": "media_unit",
    "tv unit": "media_unit", "tv stand": "media_unit", "bed": "bed", "nightstand": "nightstand",
    "bedside table": "nightstand", "dresser": "dresser", "chest of drawers": "dresser",
    "bench": "bench", "dining table": "dining_table", "table": "dining_table",
    "dining chair": "chair", "chair": "chair", "sideboard": "sideboard", "credenza": "sideboard",
    "buffet": "sideboard",
    "bookshelf": "bookshelf", "bookcase": "bookshelf", "console": "console",
    "console table": "console",
}  # fmt: skip
MOST = 8


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked for: as it was ``written``, its ``kind`` (None when unknown) and how many."""

    written: str
    kind: str | None
    count: int


def read_request(written: str) -> Request:
    """The request in ``written``: an optional number and a name in the singular or plural."""
    words = re.sub(r"[^a-z0-9 ]", " ", written.lower().replace("_", " ")).split()
    count = 1
    while words and (words[0].isdigit() or words[0] in _NUMBERS or words[0] in ("of", "x", "the")):
        word = words.pop(0)
        count = int(word) if word.isdigit() else _NUMBERS.get(word, count)
    name = " ".join(words)
    return Request(written, _kind(name), min(max(count, 1), MOST))


def _kind(name: str) -> str | None:
    """The kind whose name ends ``name``, so that "grey velvet sofas" is a sofa."""
    singular = {name, name.removesuffix("s"), name.removesuffix("es"), re.sub("ves$", "f", name)}
    known = [
        known
        for known in _NAMES
        if any(one == known or one.endswith(" " + known) for one in singular)
    ]
    return _NAMES[max(known, key=len)] if known else None
