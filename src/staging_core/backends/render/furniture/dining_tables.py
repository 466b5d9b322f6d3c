"""Dining tables, round and long."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from staging_core.backends.render.mesh import Piece

from .assembly import Assembly
from .legs import one_leg
from .plants import sprig
from .shapes import lathe, ring_path, rounded_box, tube
from .style import Look
from .tables import bowl, pedestal, round_top, smooth
from .transform import Points, deform, move, turn


def dining_table(look: Look, length_m: float = 1.8, *, round_one: bool = False) -> Piece:
    """A dining table 0.75 m high: ``length_m`` x 0.9 m, or round with that diameter."""
    assembly = Assembly(look)
    form = look.form("dining_table")
    if round_one:
        _round_dining(assembly, form, length_m)
    else:
        {
            "slab": _slab_dining, "legs": _leg_dining, "trestle": _trestle_dining,
            "farm": _farm_dining, "pedestal": _twin_dining,
        }[form](assembly, length_m, 0.9 if length_m > 1.3 else 0.78)  # fmt: skip
    _centrepiece(assembly, 0.75)
    return assembly.piece("dining_table")


def _round_dining(assembly: Assembly, form: str, size: float) -> None:
    role = "top" if form in ("slab", "pedestal") else "wood"
    assembly.add(role, move(round_top(size, 0.03, 0.014), z=0.72))
    if form in ("farm", "trestle"):
        pedestal(assembly, "wood", 0.72, size * 0.34)
    elif form == "legs":
        for angle in (45, 135, 225, 315):
            leg = one_leg("taper", 0.72, (0.06, 0.0))
            assembly.add("wood", turn(move(leg, size * 0.27), "z", angle))
    else:
        curve = [
            (0.30 * size - 0.27 * size * t**0.35 + 0.012, 0.02 + 0.70 * t)
            for t in np.linspace(0, 1, 30)
        ]
        radius = [(r + 0.12 * size * max(z - 0.6, 0) ** 1.5 * 6, z) for r, z in curve]
        foot, rim = (0.31 * size, 0.0), (0.31 * size, 0.012)
        stem = [(float(r), float(z)) for r, z in radius]
        assembly.add("metal", lathe([(0, 0), foot], [foot, rim], stem, sides=40))


def _slab_dining(assembly: Assembly, length: float, depth: float) -> None:
    assembly.add("top", move(rounded_box(length, depth, 0.028, 0.006), z=0.722))
    loop = ring_path(depth - 0.16, 0.712, 0.012, 0.0, 2)
    for side in (-1, 1):
        for shift in (0.0, 0.05):
            x = side * (length / 2 - 0.16 - shift)
            path = [(x, a, b + 0.362) for a, b, _ in loop]
            assembly.add("metal", tube(path, 0.016, 8, closed=True))


def _leg_dining(assembly: Assembly, length: float, depth: float) -> None:
    assembly.add("wood", move(rounded_box(length, depth, 0.03, 0.012, steps=3), z=0.72))
    assembly.add("wood", move(rounded_box(length - 0.28, depth - 0.2, 0.07, 0.006), z=0.65))
    for sy in (-1, 1):
        leg = one_leg("taper", 0.72, (0.04, sy * 0.03))
        assembly.add_pair("wood", move(leg, length / 2 - 0.12, sy * (depth / 2 - 0.09)))


def _trestle_dining(assembly: Assembly, length: float, depth: float) -> None:
    """Thick planks on two steel A-frames."""
    planks = 4
    for i in range(planks):
        board = rounded_box(length, depth / planks - 0.002, 0.05, 0.006)
        assembly.add("wood", move(board, 0, depth * (i + 0.5) / planks - depth / 2, 0.70))
    x = length / 2 - 0.22
    for sy in (-1, 1):
        leg = rounded_box(0.07, 0.04, 0.72, 0.003)
        slanted = deform(leg, _slant(0.16 * sy))
        assembly.add_pair("metal", move(slanted, x, sy * depth * 0.26))
    assembly.add_pair("metal", move(rounded_box(0.07, depth * 0.7, 0.03, 0.003), x, 0, 0.67))
    assembly.add("metal", move(rounded_box(2 * x, 0.035, 0.035, 0.003), 0, 0, 0.30))
    assembly.add_pair("metal", move(rounded_box(0.05, depth * 0.66, 0.03, 0.003), x, 0, 0.30))


def _slant(amount: float) -> Callable[[Points], Points]:
    """A shear that moves a leg's foot ``amount`` metres along y per metre below its top."""

    def bend(points: Points) -> Points:
        aside = amount * (0.7 - points[:, 2])
        return points + np.stack([0 * aside, aside, 0 * aside], axis=1)

    return bend


def _farm_dining(assembly: Assembly, length: float, depth: float) -> None:
    assembly.add("wood", move(rounded_box(length, depth, 0.038, 0.014, steps=3), z=0.712))
    assembly.add("cabinet", move(rounded_box(length - 0.16, depth - 0.16, 0.10, 0.006), z=0.612))
    for sy in (-1, 1):
        leg = one_leg("turned", 0.712)
        assembly.add_pair("cabinet", move(leg, length / 2 - 0.11, sy * (depth / 2 - 0.11)))


def _twin_dining(assembly: Assembly, length: float, depth: float) -> None:
    """A long top with rounded ends on two fluted drums."""

    def ends(points: Points) -> Points:
        x = np.abs(points[:, 0]) / (length / 2)
        narrow = 1 - 0.16 * x**3
        return np.stack([points[:, 0], points[:, 1] * narrow, points[:, 2]], axis=1)

    assembly.add(
        "top", move(deform(rounded_box(length, depth, 0.035, 0.012, (16, 4, 1)), ends), z=0.715)
    )
    for side in (-1, 1):
        drum = [(0.15 + 0.008 * float(np.cos(0)), 0.0), (0.158, 0.715)]
        assembly.add("wood", move(lathe(drum, sides=40), side * length * 0.27))
        for i in range(24):
            rib = rounded_box(0.016, 0.028, 0.71, 0.007)
            assembly.add("wood", move(turn(move(rib, 0.158), "z", 15 * i), side * length * 0.27))


def _centrepiece(assembly: Assembly, z: float) -> None:
    """A vase with a few stems."""
    profile = [
        (0.045, 0.0),
        (0.075, 0.06),
        (0.082, 0.12),
        (0.05, 0.19),
        (0.034, 0.23),
        (0.042, 0.25),
    ]
    height = np.linspace(0, 0.25, 24)
    radius, at = np.array(profile).T
    curve = smooth([(float(np.interp(h, at, radius)), float(h)) for h in height])
    assembly.add("pot", move(lathe([(0, 0), curve[0]], curve, sides=28), 0.06, 0.0, z))
    assembly.add("leaf", move(sprig(7, 0.28, seed=3), 0.06, 0.0, z + 0.22))
    assembly.add("wood", move(bowl(0.14, 0.06), -0.22, 0.02, z))
