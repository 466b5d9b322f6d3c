"""What the surfaces of furniture are made of: colour, relief and shine at each sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.mesh import Material

from .noise import clouds, noise
from .painting import painting

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Swatch:
    """Samples (n,) of one part.

    ``u``, ``v`` in metres, u along the longer side; ``span``: metres of both; ``footprint``: metres
    that one pixel covers; ``flipped``: u and v have changed places.
    """

    u: Floats
    v: Floats
    span: tuple[float, float]
    footprint: Floats
    flipped: bool

    def visible(self, feature_m: float) -> Floats:
        """How much (n,) 0..1 of a pattern of that size the pixels can show."""
        return np.clip(feature_m / np.maximum(self.footprint, 1e-6) / 2 - 0.5, 0, 1)


@dataclass(frozen=True, slots=True)
class Finish:
    """``albedo`` (n, 3); ``slope_u``, ``slope_v`` (n,) of the relief along u and v."""

    albedo: Floats
    slope_u: Floats
    slope_v: Floats


def finish(material: Material, uv: Floats, span: Floats, footprint: Floats) -> Finish:
    """The finish of samples at ``uv`` (n, 2) of a part; ``span``: its low u, v and its extent."""
    u, v = uv[:, 0] - span[0], uv[:, 1] - span[1]
    flipped = bool(span[3] > span[2])
    extent = (float(max(span[2:])), float(min(span[2:])))
    swatch = (
        Swatch(v, u, extent, footprint, True) if flipped else Swatch(u, v, extent, footprint, False)
    )
    made = _PATTERNS[material.pattern](material, swatch)
    return Finish(made.albedo, made.slope_v, made.slope_u) if flipped else made


def _mixed(material: Material, share: Floats) -> Floats:
    base, accent = np.array([material.albedo, material.accent], np.float32)
    return np.asarray(base + (accent - base) * np.clip(share, 0, 1)[:, None], np.float32)


def _flat(albedo: Floats) -> Finish:
    zero = np.zeros(len(albedo), np.float32)
    return Finish(albedo, zero, zero)


def _toned(material: Material, tone: Floats) -> Floats:
    return np.asarray(np.array(material.albedo, np.float32) * (1 + tone)[:, None], np.float32)


def plain(material: Material, at: Swatch) -> Finish:
    """Paint, stone, ceramic: a hardly uneven colour."""
    size = max(material.pattern_m, 0.05)
    return _flat(_toned(material, 0.08 * material.strength * clouds(at.u / size, at.v / size)))


def fabric(material: Material, at: Swatch) -> Finish:
    """A weave when near; from afar the soft mottling and slight waves of cloth."""
    fine = max(material.pattern_m, 0.002)
    threads = noise(at.u / fine, at.v / (3 * fine)) + noise(at.u / (3 * fine), at.v / fine)
    weave = 0.7 * threads * at.visible(fine)
    mottle = clouds(at.u / (8 * fine + 0.05), at.v / (8 * fine + 0.05), 2)
    tone = material.strength * (0.05 * weave + 0.03 * mottle)
    wave_u, wave_v = _waves(at, 0.16, 0.035)
    # Coarse knits are soft: their loops are wide, not deep.
    relief = 0.12 * material.strength * at.visible(fine) * min(1.0, 0.006 / fine)
    return Finish(
        _toned(material, np.clip(tone, -0.5, 0.5)),
        wave_u + relief * noise(at.u / fine + 9, at.v / fine),
        wave_v + relief * noise(at.u / fine, at.v / fine + 9),
    )


def leather(material: Material, at: Swatch) -> Finish:
    """Worn patches, fine pores and soft creases."""
    size = max(material.pattern_m, 0.02)
    patches = 0.5 + 0.3 * clouds(at.u / (4 * size), at.v / (4 * size))
    wave_u, wave_v = _waves(at, 0.12, 0.05)
    pores = at.visible(0.006) * 0.05 * material.strength
    return Finish(
        _mixed(material, material.strength * patches),
        wave_u + pores * noise(at.u / 0.004, at.v / 0.004),
        wave_v + pores * noise(at.u / 0.004 + 9, at.v / 0.004),
    )


def wood(material: Material, at: Swatch) -> Finish:
    """Grain along the longer side: wandering bands, fine streaks and pores."""
    band = max(material.pattern_m, 0.03)
    wander = 0.6 * noise(at.u / 0.9, at.v / band) + 0.15 * noise(at.u / 0.25, at.v / (0.4 * band))
    rings = np.sin(2 * np.pi * (1.6 * at.v / band + wander)) * at.visible(band / 3)
    streaks = noise(at.u / 0.35, at.v / (0.06 * band)) * at.visible(0.08 * band)
    broad = clouds(at.u / 1.2, at.v / (0.7 * band))
    share = material.strength * (0.5 + 0.22 * rings + 0.25 * streaks + 0.2 * broad)
    relief = 0.06 * material.strength * streaks
    return Finish(_mixed(material, share), np.zeros_like(relief), np.asarray(relief, np.float32))


def rug(material: Material, at: Swatch) -> Finish:
    """A border and a faded field, in pile."""
    fine = max(material.pattern_m, 0.006)
    edge = np.minimum(np.minimum(at.u, at.span[0] - at.u), np.minimum(at.v, at.span[1] - at.v))
    border = _band(edge, 0.09, 0.12) + 0.6 * _band(edge, 0.15, 0.165)
    field = 0.5 + 0.35 * clouds(at.u / 0.22, at.v / 0.22, 4)
    share = np.where(edge > 0.18, 0.8 * field, border).astype(np.float32)
    pile = noise(at.u / fine, at.v / fine)
    worn = clouds(at.u / 0.5, at.v / 0.5)
    albedo = _mixed(material, share * (0.4 + material.strength))
    tone = material.strength * (0.06 * pile * at.visible(fine) + 0.03 * worn)
    relief = 0.15 * material.strength * at.visible(fine)
    return Finish(
        np.asarray(albedo * (1 + tone)[:, None], np.float32),
        relief * pile,
        relief * noise(at.u / fine + 9, at.v / fine),
    )


def leaf(material: Material, at: Swatch) -> Finish:
    """A lighter middle vein, side veins and uneven green."""
    across = np.abs(2 * at.v / at.span[1] - 1)
    vein = np.exp(-((across / 0.12) ** 2))
    sides = 0.5 + 0.5 * np.sin(2 * np.pi * (at.u / (0.12 * at.span[0]) - 1.5 * across))
    uneven = 0.3 * clouds(at.u / 0.05, at.v / 0.05)
    share = material.strength * (0.45 * vein + 0.2 * sides + 0.3 + uneven)
    return _flat(_mixed(material, share))


def metal(material: Material, at: Swatch) -> Finish:
    """Hardly uneven; its colour shows in what it mirrors."""
    return _flat(_toned(material, 0.04 * material.strength * noise(at.u / 0.02, at.v / 0.02)))


def art(material: Material, at: Swatch) -> Finish:
    """A painting over the whole part."""
    u, v = (
        (at.v / at.span[1], at.u / at.span[0])
        if at.flipped
        else (
            at.u / at.span[0],
            at.v / at.span[1],
        )
    )
    return _flat(painting(material, u, v, at.span))


def _band(edge: Floats, start: float, stop: float) -> Floats:
    return ((edge > start) & (edge < stop)).astype(np.float32)


def _waves(at: Swatch, size: float, height: float) -> tuple[Floats, Floats]:
    """Slopes of gentle waves ``size`` metres long."""
    u, v = at.u / size, at.v / size
    return height * noise(u, v + 31), height * noise(u + 47, v)


_PATTERNS: dict[str, Callable[[Material, Swatch], Finish]] = {
    "plain": plain,
    "fabric": fabric,
    "leather": leather,
    "wood": wood,
    "rug": rug,
    "leaf": leaf,
    "metal": metal,
    "glass": plain,
    "art": art,
}
