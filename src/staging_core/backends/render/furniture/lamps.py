"""Floor and table lamps with a glowing shade."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.mesh import Mesh, Piece

from .assembly import Assembly
from .shapes import lathe, rounded_box, tube
from .style import Look
from .transform import move, turn

_BEADS = (
    (0.10, 0.05, 0.035),
    (0.24, 0.03, 0.018),
    (0.62, 0.05, 0.014),
    (1.00, 0.03, 0.012),
    (1.18, 0.03, 0.016),
)
"""Middle, width and swell in metres of the beads on a turned lamp post."""


def shade(bottom: float, top: float, height: float) -> Mesh:
    """A truncated cone open at both ends, with a rolled edge; radii and height in metres."""
    outer = [(bottom, 0.0), (top, height)]
    inner = [(top - 0.004, height), (bottom - 0.004, 0.0)]
    return lathe([inner[1], outer[0]], outer, [outer[1], inner[0]], inner, sides=40)


def globe(radius: float, flat: float = 1.0) -> Mesh:
    """A sphere on z = 0, squeezed in height by ``flat``."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 19)
    curve = [(radius * float(np.cos(a)), radius * flat * (1 + float(np.sin(a)))) for a in angle]
    return lathe(curve, sides=32)


def floor_lamp(look: Look) -> Piece:
    """A floor lamp about 1.5-1.6 m high."""
    assembly = Assembly(look)
    _FLOOR_LAMPS[look.form("floor_lamp")](assembly)
    return assembly.piece("floor_lamp")


def _base(assembly: Assembly, radius: float) -> None:
    rim = [(radius, 0.0), (radius, 0.014), (radius - 0.006, 0.02)]
    assembly.add("lamp", lathe([(0, 0), (radius, 0)], rim, [rim[-1], (0.01, 0.024)], sides=36))


def _tripod(assembly: Assembly) -> None:
    for angle in (90, 210, 330):
        leg = tube([(0.27, 0, 0), (0.02, 0, 1.18)], [0.011, 0.016], 12)
        assembly.add("wood", turn(leg, "z", angle))
    assembly.add(
        "lamp",
        move(
            lathe([(0.0, 0), (0.04, 0)], [(0.04, 0), (0.04, 0.05)], [(0.04, 0.05), (0, 0.05)]),
            z=1.15,
        ),
    )
    assembly.add("shade", move(shade(0.23, 0.19, 0.28), z=1.20))


def _column(assembly: Assembly) -> None:
    _base(assembly, 0.14)
    assembly.add("lamp", tube([(0, 0, 0.02), (0, 0, 1.32)], 0.011, 14))
    assembly.add("shade", move(shade(0.20, 0.20, 0.28), z=1.27))


def _dome(assembly: Assembly) -> None:
    _base(assembly, 0.15)
    bend = [
        (0.14 - 0.14 * float(np.cos(a)), 0.0, 1.3 + 0.16 * float(np.sin(a)))
        for a in np.linspace(0.15, np.pi * 0.95, 10)
    ]
    assembly.add("lamp", tube([(0.0, 0.0, 0.02), (0.0, 0.0, 1.3), *bend], 0.010, 12))
    curve = [
        (0.14 * float(np.sin(a)) + 0.012, 0.14 * float(np.cos(a)))
        for a in np.linspace(np.pi / 2, 0, 12)
    ]
    hood = lathe(curve, [(r - 0.004, z - 0.004) for r, z in reversed(curve)], sides=36)
    assembly.add("lamp", move(hood, 0.28, 0, 1.20))
    assembly.add("shade", move(globe(0.05), 0.28, 0, 1.18))


def _globe_lamp(assembly: Assembly) -> None:
    _base(assembly, 0.14)
    assembly.add("lamp", tube([(0, 0, 0.02), (0, 0, 1.40)], 0.010, 12))
    for z, reach, angle in ((1.40, 0.0, 0), (1.08, 0.15, 40), (0.82, 0.15, 200)):
        if reach:
            assembly.add(
                "lamp", turn(tube([(0, 0, z - 0.03), (reach, 0, z - 0.03)], 0.007, 10), "z", angle)
            )
        assembly.add("shade", turn(move(globe(0.085), reach, 0, z - 0.03), "z", angle))


def _candlestick(assembly: Assembly) -> None:
    _base(assembly, 0.15)
    z = np.linspace(0.02, 1.22, 60)
    radius = np.full_like(z, 0.012)
    for middle, width, swell in _BEADS:
        radius += swell * np.exp(-(((z - middle) / width) ** 2))
    curve = [(float(r), float(h)) for r, h in zip(radius, z, strict=True)]
    assembly.add("lamp", lathe(curve, sides=20))
    assembly.add("shade", move(shade(0.25, 0.13, 0.28), z=1.22))


def _ribbed(radius: float, half: float) -> Mesh:
    """A paper lantern ``2 * half`` high on z = 0, with fine ribs."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 60)
    wide = np.cos(angle) * (radius + 0.015 * radius * np.cos(24 * angle))
    high = half * (1 + np.sin(angle))
    return lathe([(float(r), float(z)) for r, z in zip(wide, high, strict=True)], sides=36)


def _paper(assembly: Assembly) -> None:
    """A ribbed paper lantern on a slim wooden stand."""
    for angle in (90, 210, 330):
        assembly.add("wood", turn(tube([(0.17, 0, 0), (0.05, 0, 0.95)], 0.010, 10), "z", angle))
    assembly.add("shade", move(_ribbed(0.19, 0.24), z=0.90))


def table_lamp(look: Look) -> Piece:
    """A table lamp 0.45-0.6 m high that stands on a top."""
    assembly = Assembly(look)
    _TABLE_LAMPS[look.form("table_lamp")](assembly)
    return assembly.piece("table_lamp", "top")


def _small_column(assembly: Assembly) -> None:
    assembly.add("lamp", rounded_box(0.11, 0.11, 0.03, 0.006))
    assembly.add("lamp", tube([(0, 0, 0.03), (0, 0, 0.30)], 0.012, 14))
    assembly.add("shade", move(shade(0.14, 0.12, 0.19), z=0.28))


def _gourd(assembly: Assembly) -> None:
    z = np.linspace(0, 0.30, 40)
    radius = (
        0.05
        + 0.055 * np.exp(-(((z - 0.09) / 0.065) ** 2))
        + 0.02 * np.exp(-(((z - 0.21) / 0.04) ** 2))
        - 0.038 * (z / 0.3) ** 3
    )
    curve = [(float(r), float(h)) for r, h in zip(radius, z, strict=True)]
    assembly.add("pot", lathe([(0, 0), curve[0]], curve, [curve[-1], (0, 0.30)], sides=32))
    assembly.add("lamp", tube([(0, 0, 0.29), (0, 0, 0.36)], 0.008, 10))
    assembly.add("shade", move(shade(0.17, 0.12, 0.21), z=0.33))


def _mushroom(assembly: Assembly) -> None:
    stem = [
        (0.075 - 0.045 * float(np.sin(np.pi / 2 * t)), 0.27 * float(t))
        for t in np.linspace(0, 1, 16)
    ]
    assembly.add("lamp", lathe([(0, 0), stem[0]], stem, sides=28))
    cap = [
        (0.15 * float(np.cos(a)), 0.12 * float(np.sin(a))) for a in np.linspace(0, np.pi / 2, 14)
    ]
    assembly.add("shade", move(lathe([(0.03, 0.0), (0.15, 0)], cap, sides=36), z=0.25))


def _cage(assembly: Assembly) -> None:
    assembly.add("wood", rounded_box(0.13, 0.13, 0.05, 0.006))
    assembly.add("lamp", tube([(0, 0, 0.05), (0, 0, 0.20)], 0.010, 10))
    for i in range(8):
        arc = [
            (0.09 * float(np.sin(a)), 0.0, 0.28 - 0.10 * float(np.cos(a)))
            for a in np.linspace(0.15, np.pi - 0.05, 12)
        ]
        assembly.add("metal", turn(tube(arc, 0.003, 6), "z", 45 * i))
    assembly.add("shade", move(globe(0.045, 1.3), z=0.21))


def _small_paper(assembly: Assembly) -> None:
    assembly.add("wood", rounded_box(0.12, 0.12, 0.02, 0.004))
    assembly.add("wood", tube([(0, 0, 0.02), (0, 0, 0.14)], 0.009, 10))
    assembly.add("shade", move(_ribbed(0.13, 0.15), z=0.12))


_FLOOR_LAMPS = {
    "candle": _candlestick,
    "column": _column,
    "dome": _dome,
    "globe": _globe_lamp,
    "paper": _paper,
    "tripod": _tripod,
}
_TABLE_LAMPS = {
    "cage": _cage,
    "column": _small_column,
    "gourd": _gourd,
    "mushroom": _mushroom,
    "paper": _small_paper,
}
