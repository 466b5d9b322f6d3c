"""Styles as data: palettes and forms read from ``styles/*.toml``, and one look chosen by seed."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files

import msgspec
import numpy as np

from staging_core.backends.render.mesh import Material

from .finish import material

_STYLES = files(__package__) / "styles"


class Palette(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One set of finishes, each written as a finish and a colour (see `finish`).

    Tuples hold alternatives that stand side by side in one room: pillows, art colours, books.
    """

    sofa: str
    armchair: str
    chair: str
    headboard: str
    wood: str
    cabinet: str
    top: str
    metal: str
    rug: str
    rug_edge: str
    sheet: str
    duvet: str
    throw: str
    lamp: str
    shade: str
    pot: str
    leaf: str
    frame: str
    mat: str
    canvas: str
    cushion: tuple[str, ...]
    art: tuple[str, ...]
    book: tuple[str, ...]
    soil: str = "concrete #33261c"


class Forms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shapes a style allows for each piece; a look takes one of each."""

    arm: tuple[str, ...]
    back: tuple[str, ...]
    leg: tuple[str, ...]
    armchair: tuple[str, ...]
    coffee_table: tuple[str, ...]
    side_table: tuple[str, ...]
    dining_table: tuple[str, ...]
    chair: tuple[str, ...]
    cabinet: tuple[str, ...]
    bed: tuple[str, ...]
    floor_lamp: tuple[str, ...]
    table_lamp: tuple[str, ...]
    rug: tuple[str, ...]
    art: tuple[str, ...]
    plant: tuple[str, ...]


class Style(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A style: its palettes and its forms."""

    title: str
    palettes: tuple[Palette, ...]
    forms: Forms


class Look(msgspec.Struct, frozen=True):
    """One style made definite: a palette and one form of each piece."""

    style: str
    palette: Palette
    forms: Forms

    def form(self, of: str) -> str:
        """The chosen form of ``of`` (a field of `Forms`)."""
        (chosen,) = getattr(self.forms, of)
        return str(chosen)

    def material(self, role: str) -> Material:
        """The material of a palette role; ``cushion:2`` is the third pillow, in a circle."""
        name, _, number = role.partition(":")
        written = getattr(self.palette, name)
        if isinstance(written, tuple):
            written = written[int(number or 0) % len(written)]
        return material(name, written)


def style_names() -> tuple[str, ...]:
    """All styles, sorted."""
    names = (entry.name for entry in _STYLES.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@lru_cache(maxsize=32)
def read_style(name: str) -> Style:
    """The style ``name``; raises ``KeyError`` with the known names when there is none."""
    if name not in style_names():
        raise KeyError(f"{name}: no such style; known are {', '.join(style_names())}")
    text = (_STYLES / f"{name}.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Style)


def choose_look(name: str, seed: int) -> Look:
    """The look of style ``name`` for ``seed``: the same seed, the same look."""
    style = read_style(name)
    random = np.random.default_rng([seed, 7])
    palette = style.palettes[int(random.integers(len(style.palettes)))]
    chosen = {
        field: (forms[int(random.integers(len(forms)))],)
        for field, forms in msgspec.structs.asdict(style.forms).items()
    }
    return Look(name, palette, Forms(**chosen))
