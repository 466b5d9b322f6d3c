"""Rugs: a flat pile with a border, stripes, a lattice or a medallion laid into it."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.mesh import Mesh, Piece

from .assembly import Assembly
from .shapes import lathe, rounded_box, sheet
from .style import Look
from .tables import oval_top
from .transform import Points, move, turn

THICK_M = 0.010
_INLAY_M = 0.0015


def rug(
    look: Look, width_m: float = 2.4, depth_m: float = 1.7, *, round_one: bool = False
) -> Piece:
    """A rug of the look's form, ``width_m`` along x; a round one has diameter ``width_m``."""
    assembly = Assembly(look)
    if round_one:
        _round(assembly, width_m)
    else:
        role = "rug_edge" if look.form("rug") == "faded" else "rug"
        assembly.add(role, rounded_box(width_m, depth_m, THICK_M, 0.0045, (2, 2, 1)))
        _PATTERNS[look.form("rug")](assembly, width_m, depth_m)
    return assembly.piece("rug", "rug")


def _strip(width: float, depth: float, x: float = 0.0, y: float = 0.0) -> Mesh:
    """A thin inlay just proud of the pile."""
    return move(rounded_box(width, depth, _INLAY_M + 0.002, 0.0005, steps=1), x, y, THICK_M - 0.002)


def _frame(
    assembly: Assembly, role: str, size: tuple[float, float], inset: float, band: float
) -> None:
    """A band all round, ``inset`` metres from the edge."""
    w, d = size[0] - 2 * inset, size[1] - 2 * inset
    for sign in (-1, 1):
        assembly.add(role, _strip(w, band, 0, sign * (d - band) / 2))
        assembly.add(role, _strip(band, d - 2 * band, sign * (w - band) / 2, 0))


def _border(assembly: Assembly, width: float, depth: float) -> None:
    _frame(assembly, "rug_edge", (width, depth), 0.07, 0.05)
    _frame(assembly, "rug_edge", (width, depth), 0.145, 0.012)


def _bound(assembly: Assembly, width: float, depth: float) -> None:
    """A bound edge all round."""
    _frame(assembly, "rug_edge", (width, depth), 0.0, 0.022)


def _stripe(assembly: Assembly, width: float, depth: float) -> None:
    count = max(round(width / 0.22), 5)
    for i in range(count):
        x = width * ((i + 0.5) / count - 0.5)
        band = 0.05 if i % 2 else 0.018
        assembly.add("rug_edge", _strip(band, depth - 0.004, x))


def _lattice(assembly: Assembly, width: float, depth: float) -> None:
    """Diamonds drawn with thin lines, as Berber rugs have."""
    step = 0.34
    columns, rows = int(width / step), int((depth - 0.08) / step)
    line = (step**2 + step**2) ** 0.5 / 2
    for i in range(columns):
        for j in range(rows):
            x, y = (i - (columns - 1) / 2) * step, (j - (rows - 1) / 2) * step
            for sx, sy in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                side = turn(_strip(line, 0.016), "z", -45 * sx * sy)
                assembly.add("rug_edge", move(side, x + sx * step / 4, y + sy * step / 4))


def _medallion(assembly: Assembly, width: float, depth: float) -> None:
    """Borders, an oval medallion and corner pieces in the throw's and the edge's colours."""
    _frame(assembly, "rug_edge", (width, depth), 0.03, 0.13)
    _frame(assembly, "throw", (width, depth), 0.075, 0.022)
    _frame(assembly, "throw", (width, depth), 0.19, 0.015)
    for size, role, lift in (
        (0.50, "rug_edge", 0.0),
        (0.40, "rug", 0.001),
        (0.30, "throw", 0.002),
        (0.16, "rug_edge", 0.003),
    ):
        oval = oval_top(width * size, depth * size * 1.1, _INLAY_M + 0.002)
        assembly.add(role, move(oval, z=THICK_M - 0.002 + lift))
    for i in range(18):
        angle = 2 * np.pi * i / 18
        x, y = 0.225 * width * np.cos(angle), 0.25 * depth * np.sin(angle)
        petal = turn(_strip(0.07, 0.035), "z", float(np.degrees(angle)) + 45)
        assembly.add("throw", move(petal, float(x), float(y), 0.001))


def _faded(assembly: Assembly, width: float, depth: float) -> None:
    """One woven field over the whole rug, its pattern left to the renderer; a bound edge."""
    w, d, z = width - 0.02, depth - 0.02, THICK_M + 0.001

    def field(u: Points, v: Points) -> Points:
        return np.stack([(u - 0.5) * w, (v - 0.5) * d, z + 0 * u], axis=-1)

    assembly.add("rug", sheet(field, 2, 2))


def _round(assembly: Assembly, size: float) -> None:
    radius = size / 2
    rim = [(radius - 0.004, 0.0), (radius, 0.004), (radius - 0.002, THICK_M)]
    assembly.add(
        "rug", lathe(rim, sides=72), lathe([(radius - 0.002, THICK_M), (0, THICK_M)], sides=72)
    )
    for outer, band in ((radius - 0.06, 0.035), (radius * 0.55, 0.02)):
        ring = [(outer, THICK_M + _INLAY_M), (outer - band, THICK_M + _INLAY_M)]
        assembly.add("rug_edge", lathe(ring, sides=72))


_PATTERNS = {
    "border": _border,
    "faded": _faded,
    "lattice": _lattice,
    "medallion": _medallion,
    "plain": _bound,
    "stripe": _stripe,
}
