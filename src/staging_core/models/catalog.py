"""The room types and styles that can be asked for."""

from __future__ import annotations

from difflib import get_close_matches

from staging_core.errors import UnknownRoom, UnknownStyle

ROOMS: tuple[str, ...] = (
    "living_room",
    "bedroom",
    "dining_room",
    "kitchen",
    "bathroom",
    "office",
    "entryway",
    "outdoor",
)
STYLES: tuple[str, ...] = (
    "modern",
    "contemporary",
    "traditional",
    "industrial",
    "scandinavian",
    "mid_century",
    "farmhouse",
    "coastal",
    "japandi",
    "bohemian",
    "luxury",
)
USUAL_ROOM, USUAL_STYLE = "living_room", "modern"
"""What is taken where nothing is asked for."""


def check_room(name: str) -> str:
    """The catalog's spelling of a room type ("Living room": living_room), else ``UnknownRoom``."""
    spelled = _spelled(name)
    if spelled not in ROOMS:
        raise UnknownRoom(f"There is no room type {name!r}.", remedy=_nearest(spelled, ROOMS))
    return spelled


def check_style(name: str) -> str:
    """The catalog's spelling of a style; else ``UnknownStyle``, which names the nearest ones."""
    spelled = _spelled(name)
    if spelled not in STYLES:
        raise UnknownStyle(f"There is no style {name!r}.", remedy=_nearest(spelled, STYLES))
    return spelled


def _spelled(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _nearest(name: str, names: tuple[str, ...]) -> str:
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(near)}? All: {', '.join(names)}."
    return f"Choose one of {', '.join(names)}."
