"""Open furniture: a console table and a bookshelf with books."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.mesh import Piece

from .assembly import Assembly
from .cabinets import dress_cabinet
from .shapes import lathe, rounded_box
from .style import Look
from .tables import bowl
from .transform import move, turn


def console(look: Look, width_m: float = 1.1) -> Piece:
    """A slim console table 0.8 m high with a lower shelf."""
    assembly = Assembly(look)
    leg = look.form("leg")
    assembly.add("wood", move(rounded_box(width_m, 0.34, 0.035, 0.008), z=0.765))
    assembly.add("wood", move(rounded_box(width_m - 0.08, 0.28, 0.02, 0.005), z=0.18))
    metal = leg in ("pin", "sled", "hairpin")
    for sy in (-1, 1):
        post = rounded_box(0.022 if metal else 0.04, 0.022 if metal else 0.04, 0.765, 0.003)
        assembly.add_pair("metal" if metal else "wood", move(post, width_m / 2 - 0.035, sy * 0.14))
    assembly.add("pot", move(bowl(0.14, 0.08), 0.1, 0, 0.20))
    dress_cabinet(assembly, width_m, 0.80)
    return assembly.piece("console")


def bookshelf(look: Look, width_m: float = 0.8) -> Piece:
    """An open bookshelf 1.85 m high, filled with books, boxes and a plant."""
    assembly = Assembly(look)
    high, depth, shelves = 1.85, 0.32, 5
    metal = look.form("cabinet") == "frame"
    role = "wood" if metal or look.form("cabinet") in ("slat", "cane") else "cabinet"
    side = rounded_box(0.025, depth, high, 0.003)
    if metal:
        for sy in (-1, 1):
            assembly.add_pair(
                "metal",
                move(
                    rounded_box(0.022, 0.022, high, 0.002),
                    width_m / 2 - 0.011,
                    sy * (depth / 2 - 0.012),
                ),
            )
    else:
        assembly.add_pair(role, move(side, width_m / 2 - 0.0125))
        assembly.add(
            role,
            move(
                rounded_box(width_m - 0.02, 0.008, high - 0.05, 0.002), 0, depth / 2 - 0.004, 0.04
            ),
        )
    step = (high - 0.08) / shelves
    for i in range(shelves + 1):
        z = 0.05 + step * i
        assembly.add(role, move(rounded_box(width_m - 0.04, depth - 0.01, 0.025, 0.003), 0, 0, z))
        if i < shelves:
            _fill(assembly, width_m - 0.10, step - 0.03, z + 0.025, i)
    return assembly.piece("bookshelf")


def _fill(assembly: Assembly, width: float, high: float, z: float, shelf: int) -> None:
    """A run of upright books from one side and an object on the rest of the shelf."""
    random = np.random.default_rng(31 + shelf)
    side = 1 if shelf % 2 else -1
    x = -width / 2
    end = width * random.uniform(-0.05, 0.3)
    while x < end:
        thick = random.uniform(0.018, 0.042)
        tall = high * random.uniform(0.62, 0.88)
        book = rounded_box(
            round(thick, 3), round(random.uniform(0.15, 0.2), 2), round(tall, 2), 0.002, steps=1
        )
        assembly.add(f"book:{random.integers(0, 9)}", move(book, side * (x + thick / 2), 0.03, z))
        x += thick + 0.002
    middle = side * (end + width / 2) / 2
    if shelf % 3 == 0:
        assembly.add("pot", move(bowl(0.09, 0.08), middle + side * 0.03, 0, z))
    elif shelf % 3 == 1:
        for k in range(3):
            stack = rounded_box(0.20, 0.16, 0.026, 0.002)
            assembly.add(
                f"book:{k + 1}",
                move(turn(stack, "z", 6 * k), middle + side * 0.03, 0, z + 0.026 * k),
            )
    else:
        vase = [(0.05 + 0.02 * float(np.sin(3 * v)), 0.2 * float(v)) for v in np.linspace(0, 1, 12)]
        assembly.add(
            "lamp", move(lathe([(0, 0), vase[0]], vase, sides=20), middle + side * 0.03, 0, z)
        )
