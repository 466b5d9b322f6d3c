"""Beds of any width with mattress, duvet, pillows and throw, and the bench at their foot."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.mesh import Mesh, Piece

from .assembly import Assembly
from .legs import stand_on
from .shapes import lathe, rounded_box, tube
from .soft import cover, cushion, pillow, standing
from .style import Look
from .transform import Points, deform, displace, move, turn

LONG_M = 2.0
TOP_M = 0.54


def bed(look: Look, width_m: float = 1.6) -> Piece:
    """A made bed for a ``width_m`` x 2 m mattress, headboard at the back (+y)."""
    assembly = Assembly(look)
    _FRAMES[look.form("bed")](assembly, width_m)
    _bedding(assembly, width_m)
    return assembly.piece("bed")


def _base(assembly: Assembly, role: str, width: float, lift: float = 0.10) -> None:
    """The frame round the mattress."""
    body = rounded_box(width + 0.08, LONG_M + 0.06, 0.30 - lift, 0.022, steps=3)
    assembly.add(role, move(body, 0, 0, lift))
    leg = assembly.look.form("leg")
    stand_on(
        assembly,
        leg if leg not in ("sled", "hairpin") else "block",
        width,
        LONG_M,
        lift,
        inset=0.06,
    )


def _at_head(assembly: Assembly, role: str, board: Mesh) -> None:
    assembly.add(role, move(board, 0, LONG_M / 2 + 0.07, 0.12))


def _panel(assembly: Assembly, width: float) -> None:
    _base(assembly, "headboard", width)
    board = rounded_box(width + 0.12, 0.09, 0.90, 0.035, (2, 1, 2), steps=3)
    _at_head(assembly, "headboard", board)


def _tufted(assembly: Assembly, width: float) -> None:
    _base(assembly, "headboard", width)
    board = rounded_box(width + 0.12, 0.11, 1.06, 0.045, (int(width * 34), 1, 36), steps=3)

    def buttons(points: Points) -> Points:
        x, z = points[:, 0] / 0.20, (points[:, 2] - 0.56) / 0.16
        wave = np.clip(np.cos(np.pi * (x + z)) * np.cos(np.pi * (x - z)), 0, 1) ** 3
        edge = np.clip((width / 2 - 0.02 - np.abs(points[:, 0])) / 0.06, 0, 1) * np.clip(
            (1.0 - points[:, 2]) / 0.06, 0, 1
        )
        depth: Points = -0.032 * wave * edge * np.clip(-points[:, 1] / 0.04, 0, 1)
        return depth

    _at_head(assembly, "headboard", displace(board, buttons))


def _channel(assembly: Assembly, width: float) -> None:
    _base(assembly, "headboard", width)
    count = round((width + 0.12) / 0.16)
    wide = (width + 0.12) / count
    for i in range(count):
        roll = rounded_box(wide - 0.002, 0.11, 0.98, 0.05, (2, 1, 2), steps=4)
        _at_head(assembly, "headboard", move(roll, wide * (i - (count - 1) / 2)))


def _arch(assembly: Assembly, width: float) -> None:
    """An upholstered board with a rounded crest."""
    _base(assembly, "headboard", width)
    board = rounded_box(width + 0.10, 0.10, 0.86, 0.045, (16, 1, 4), steps=3)

    def crest(points: Points) -> Points:
        x = points[:, 0] / (width / 2 + 0.05)
        lift = 0.26 * np.sqrt(np.maximum(1.02 - x**2, 0.001)) * points[:, 2] / 0.86
        return points + np.stack([0 * lift, 0 * lift, lift], axis=1)

    _at_head(assembly, "headboard", deform(board, crest))


def _slat(assembly: Assembly, width: float) -> None:
    """A low wooden platform with a slatted head."""
    _base(assembly, "wood", width, 0.14)
    for z in (0.46, 0.60, 0.74):
        _at_head(
            assembly, "wood", move(rounded_box(width + 0.08, 0.026, 0.10, 0.008), 0, 0, z - 0.06)
        )
    for side in (-1, 0, 1):
        post = rounded_box(0.05, 0.035, 0.82, 0.008)
        _at_head(assembly, "wood", move(post, side * (width / 2 - 0.06), 0.03, -0.0))


def _spindle(assembly: Assembly, width: float) -> None:
    _base(assembly, "wood", width, 0.16)
    _at_head(assembly, "wood", move(rounded_box(width + 0.08, 0.036, 0.055, 0.014), 0, 0, 0.80))
    _at_head(assembly, "wood", move(rounded_box(width + 0.04, 0.03, 0.05, 0.01), 0, 0, 0.36))
    count = round(width / 0.085)
    for i in range(count + 1):
        x = (i / count - 0.5) * (width - 0.02)
        _at_head(assembly, "wood", tube([(x, 0, 0.38), (x, 0, 0.82)], 0.009, 8))
    assembly.add_pair(
        "wood",
        tube(
            [
                (width / 2 + 0.015, LONG_M / 2 + 0.07, 0),
                (width / 2 + 0.015, LONG_M / 2 + 0.07, 1.0),
            ],
            [0.02, 0.024],
            12,
        ),
    )


def _plank(assembly: Assembly, width: float) -> None:
    """Heavy boards between two posts, with a steel strap."""
    _base(assembly, "wood", width, 0.12)
    for i in range(4):
        _at_head(
            assembly,
            "wood",
            move(rounded_box(width + 0.06, 0.035, 0.196, 0.006), 0, 0, 0.10 + 0.20 * i),
        )
    assembly.add_pair(
        "metal", move(rounded_box(0.045, 0.05, 1.06, 0.004), width / 2 + 0.035, LONG_M / 2 + 0.075)
    )


def _iron(assembly: Assembly, width: float) -> None:
    """A metal frame with upright rods."""
    y = LONG_M / 2 + 0.05
    half = width / 2 + 0.09
    assembly.add_pair(
        "metal", move(rounded_box(0.03, LONG_M + 0.16, 0.06, 0.004), half, -0.03, 0.16)
    )
    assembly.add(
        "metal", move(rounded_box(2 * half, 0.03, 0.06, 0.004), 0, -LONG_M / 2 - 0.11, 0.16)
    )
    for at, high in ((y, 1.10), (-LONG_M / 2 - 0.11, 0.36)):
        assembly.add_pair("metal", tube([(half, at, 0), (half, at, high)], 0.017, 12))
    assembly.add(
        "metal",
        tube([(-half, y, 1.08), (half, y, 1.08)], 0.015, 12),
        tube([(-half, y, 0.62), (half, y, 0.62)], 0.011, 10),
    )
    count = round(width / 0.15)
    for i in range(1, count):
        x = -half + 2 * half * i / count
        assembly.add("metal", tube([(x, y, 0.62), (x, y, 1.08)], 0.007, 8))
    assembly.add("wood", move(rounded_box(width, LONG_M, 0.06, 0.01), z=0.24))
    knob = [(0.024 * float(np.cos(a)), 0.024 * float(np.sin(a))) for a in np.linspace(-1.5, 1.5, 9)]
    assembly.add_pair("metal", move(lathe(knob, sides=14), half, y, 1.115))


def _cane(assembly: Assembly, width: float) -> None:
    """Woven panels in a rounded wooden frame."""
    _base(assembly, "wood", width, 0.14)
    _at_head(assembly, "wood", move(rounded_box(width + 0.10, 0.04, 0.06, 0.018), 0, 0, 0.86))
    _at_head(assembly, "wood", move(rounded_box(width + 0.06, 0.04, 0.06, 0.01), 0, 0, 0.34))
    for side in (-1, 0, 1):
        _at_head(
            assembly,
            "wood",
            move(rounded_box(0.055, 0.042, 0.90, 0.014), side * (width / 2 + 0.02), 0, 0.0),
        )
    _at_head(assembly, "headboard", move(rounded_box(width, 0.012, 0.48, 0.004), 0, 0, 0.38))


_FRAMES = {
    "arch": _arch,
    "cane": _cane,
    "channel": _channel,
    "iron": _iron,
    "panel": _panel,
    "plank": _plank,
    "slat": _slat,
    "spindle": _spindle,
    "tufted": _tufted,
}


def _bedding(assembly: Assembly, width: float) -> None:
    """Mattress, duvet turned back over the sheet, two rows of pillows and a throw at the foot."""
    mattress = rounded_box(width, LONG_M, 0.23, 0.06, steps=4)
    assembly.add("sheet", move(mattress, z=0.28))
    long = 1.42
    duvet = cover(width + 0.14, long, 0.33, puff=0.020, seed=int(width * 10))
    assembly.add("duvet", move(duvet, 0, -LONG_M / 2 + long / 2 - 0.08, TOP_M - 0.33 + 0.005))
    fold = displace(
        rounded_box(width + 0.16, 0.30, 0.052, 0.025, (24, 6, 1), steps=3),
        lambda p: 0.007 * np.sin(9 * p[:, 0] + 5 * p[:, 1] + 1.5 * np.sin(4 * p[:, 0])),
    )
    droop = deform(
        fold,
        lambda p: (
            p
            - np.stack(
                [0 * p[:, 0], 0 * p[:, 0], 0.7 * np.clip(np.abs(p[:, 0]) - width / 2, 0, 1) ** 1.5],
                1,
            )
        ),
    )
    assembly.add("sheet", move(droop, 0, -LONG_M / 2 + long - 0.22, TOP_M + 0.004))
    _pillows(assembly, width)
    runner = cover(width + 0.17, 0.50, 0.27, puff=0.010, seed=3)
    assembly.add("throw", move(runner, 0, -LONG_M / 2 + 0.48, TOP_M - 0.27 + 0.036))


def _pillows(assembly: Assembly, width: float) -> None:
    """Two rows of sleeping pillows, one or two abreast, and scatter pillows before them."""
    single = width < 1.2
    wide = min(0.72, width / 2 - 0.03 if not single else width - 0.16)
    for side in (0,) if single else (-1, 1):
        for row, (role, high, y, lean, thick) in enumerate(
            [("sheet", 0.48, 0.84, 60, 0.20), ("duvet", 0.44, 0.66, 50, 0.19)]
        ):
            up = standing(pillow(wide, high, thick, seed=row * 2 + side), lean)
            assembly.add(role, move(turn(up, "z", side * 3), side * width / 4, y, TOP_M - 0.035))
    for i, x in enumerate((-0.22, 0.22) if width > 1.5 else (0.0,)):
        up = standing(pillow(0.42, 0.42, 0.17, seed=11 + i), 56)
        assembly.add(f"cushion:{i}", move(turn(up, "z", 8 - 16 * i), x, 0.46, TOP_M - 0.02))
    if not single:
        long = standing(pillow(0.55, 0.28, 0.14, seed=21), 52)
        assembly.add("cushion:2", move(long, 0.0, 0.31, TOP_M - 0.015))


def bench(look: Look, width_m: float = 1.2) -> Piece:
    """An upholstered bench 0.46 m high for a bed's foot or a wall."""
    assembly = Assembly(look)
    assembly.add("armchair", move(cushion(width_m, 0.42, 0.12, crown=0.012, radius=0.035), z=0.34))
    assembly.add("wood", move(rounded_box(width_m - 0.04, 0.38, 0.05, 0.008), z=0.30))
    leg = assembly.look.form("leg")
    stand_on(
        assembly,
        leg if leg not in ("plinth", "bun") else "square",
        width_m - 0.04,
        0.38,
        0.31,
        inset=0.05,
    )
    return assembly.piece("bench")
