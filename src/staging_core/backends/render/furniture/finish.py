"""Finishes: named surfaces such as "oak #b98d5e", as styles write them, turned into materials."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from staging_core.backends.render.mesh import Material, Pattern


@dataclass(frozen=True, slots=True)
class Finish:
    """What a surface of that name looks like apart from its colour.

    ``accent``: factor on the colour for the pattern's second colour; the rest as in `Material`.
    """

    pattern: Pattern
    pattern_m: float
    strength: float
    gloss: float
    accent: float
    glow: float = 0.0


FINISHES = {
    "linen": Finish("fabric", 0.0045, 0.45, 0.02, 0.80),
    "boucle": Finish("fabric", 0.014, 0.85, 0.01, 0.82),
    "wool": Finish("fabric", 0.009, 0.60, 0.01, 0.78),
    "velvet": Finish("fabric", 0.003, 0.15, 0.12, 1.25),
    "cotton": Finish("fabric", 0.003, 0.20, 0.02, 0.93),
    "knit": Finish("fabric", 0.022, 0.90, 0.01, 0.75),
    "cane": Finish("fabric", 0.016, 0.80, 0.06, 0.55),
    "leather": Finish("leather", 0.05, 0.45, 0.28, 0.72),
    "oak": Finish("wood", 0.09, 0.45, 0.14, 0.72),
    "ash": Finish("wood", 0.10, 0.35, 0.12, 0.80),
    "walnut": Finish("wood", 0.08, 0.55, 0.20, 0.62),
    "reclaimed": Finish("wood", 0.13, 0.85, 0.06, 0.50),
    "stained": Finish("wood", 0.07, 0.35, 0.32, 0.70),
    "painted": Finish("plain", 0.1, 0.05, 0.18, 0.95),
    "lacquer": Finish("plain", 0.1, 0.0, 0.45, 0.95),
    "stone": Finish("plain", 0.3, 0.2, 0.35, 0.85),
    "ceramic": Finish("plain", 0.1, 0.05, 0.40, 0.90),
    "terracotta": Finish("plain", 0.05, 0.15, 0.05, 0.85),
    "concrete": Finish("plain", 0.2, 0.25, 0.06, 0.85),
    "metal": Finish("metal", 0.02, 0.2, 0.55, 0.85),
    "glass": Finish("glass", 0.1, 0.0, 0.95, 0.95),
    "pile": Finish("fabric", 0.016, 0.70, 0.0, 0.82),
    "flatweave": Finish("fabric", 0.010, 0.55, 0.0, 0.80),
    "jute": Finish("fabric", 0.026, 1.00, 0.0, 0.70),
    "persian": Finish("rug", 0.010, 0.60, 0.0, 0.45),
    "leaf": Finish("leaf", 0.06, 0.45, 0.18, 1.55),
    "canvas": Finish("art", 0.6, 0.60, 0.03, 0.55),
    "paper": Finish("plain", 0.1, 0.05, 0.02, 0.95),
    "shade": Finish("fabric", 0.004, 0.25, 0.02, 0.90, glow=0.85),
}


@lru_cache(maxsize=256)
def material(name: str, written: str) -> Material:
    """The material of ``written``, a finish and an sRGB colour: ``"oak #b98d5e"``.

    Raises ``KeyError`` for an unknown finish and ``ValueError`` for a colour that is none.
    """
    word, colour = written.split()
    finish = FINISHES[word]
    albedo = linear(colour)
    accent = tuple(min(channel * finish.accent, 1.0) for channel in albedo)
    return Material(
        name=name,
        albedo=albedo,
        pattern=finish.pattern,
        accent=(accent[0], accent[1], accent[2]),
        pattern_m=finish.pattern_m,
        strength=finish.strength,
        gloss=finish.gloss,
        glow=finish.glow,
    )


def linear(colour: str) -> tuple[float, float, float]:
    """Linear RGB 0..1 of ``#rrggbb`` (IEC 61966-2-1)."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return _linear(red), _linear(green), _linear(blue)


def _linear(byte: int) -> float:
    value = byte / 255
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
