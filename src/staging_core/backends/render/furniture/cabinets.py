"""Cabinets: nightstand, dresser, sideboard, media unit, console, and a bookshelf with books."""

from __future__ import annotations

import numpy as np

from ..mesh import Piece
from .assembly import Assembly
from .legs import stand_on
from .shapes import lathe, rounded_box
from .style import Look
from .tables import bowl, dress_top
from .transform import move, turn

_GAP_M = 0.004


def nightstand(look: Look) -> Piece:
    """A nightstand 0.5 m wide with two drawers."""
    return _cabinet(look, "nightstand", 0.48, 0.40, 0.55, columns=1, rows=2)


def dresser(look: Look, width_m: float = 1.3) -> Piece:
    """A chest of six drawers, 0.8 m high."""
    return _cabinet(look, "dresser", width_m, 0.46, 0.80, columns=2, rows=3, dressed=True)


def sideboard(look: Look, width_m: float = 1.6) -> Piece:
    """A sideboard with doors, 0.78 m high."""
    return _cabinet(look, "sideboard", width_m, 0.42, 0.78, columns=max(round(width_m / 0.5), 2), rows=1, dressed=True)


def media_unit(look: Look, width_m: float = 1.6) -> Piece:
    """A low unit for under a screen, 0.5 m high."""
    return _cabinet(look, "media_unit", width_m, 0.40, 0.50, columns=max(round(width_m / 0.55), 2), rows=1, dressed=True)


def _cabinet(
    look: Look, kind: str, width: float, depth: float, height: float, *, columns: int, rows: int, dressed: bool = False
) -> Piece:
    assembly = Assembly(look)
    leg = look.form("leg")
    lift = {"plinth": 0.05, "bun": 0.08}.get(leg, 0.16 if height < 0.7 else 0.18)
    form = look.form("cabinet")
    role = "wood" if form in ("slat", "frame", "cane") else "cabinet"
    body = height - lift - 0.022
    assembly.add(role, move(rounded_box(width - 0.01, depth - 0.022, body, 0.003), 0, 0.011, lift))
    over = 0.02 if form == "panelled" else 0.0
    assembly.add("wood" if form == "panelled" else role, move(rounded_box(width + over, depth + over, 0.024, 0.005), z=height - 0.024))
    for i in range(columns):
        for j in range(rows):
            wide, high = (width - 0.03) / columns, (body - 0.016) / rows
            x = wide * (i - (columns - 1) / 2)
            _front(assembly, form, x, -depth / 2, lift + 0.008 + high * j, wide - _GAP_M, high - _GAP_M, drawer=rows > 1, inner=1 if x <= 0 else -1)
    if form == "frame":
        _steel_frame(assembly, width, depth, height)
        stand_on(assembly, "pin", width, depth, lift, inset=0.03)
    else:
        stand_on(assembly, leg if leg not in ("turned",) else "taper", width - 0.02, depth - 0.02, lift, inset=0.045)
    if dressed:
        _dress(assembly, width, height)
    return assembly.piece(kind)


def _front(assembly: Assembly, form: str, x: float, y: float, z: float, wide: float, high: float, *, drawer: bool, inner: int) -> None:
    """One door or drawer front of the cabinet's form, with its handle."""
    role = "wood" if form in ("slat", "frame", "cane") else "cabinet"
    front = rounded_box(wide, 0.020, high, 0.003)
    if form == "slat":
        assembly.add(role, move(rounded_box(wide, 0.012, high, 0.002), x, y + 0.014, z))
        count = max(int(wide / 0.018), 2)
        for k in range(count):
            rib = rounded_box(0.012, 0.012, high, 0.005, steps=2)
            assembly.add(role, move(rib, x + wide * ((k + 0.5) / count - 0.5), y + 0.005, z))
        return
    assembly.add(role, move(front, x, y + 0.010, z))
    if form == "panelled":
        band = 0.045 if high > 0.25 else 0.028
        for dx, dz, w, h in ((0, 0, wide, band), (0, high - band, wide, band)):
            assembly.add(role, move(rounded_box(w, 0.010, h, 0.003), x + dx, y - 0.003, z + dz))
        for side in (-1, 1):
            assembly.add(role, move(rounded_box(band, 0.010, high, 0.003), x + side * (wide - band) / 2, y - 0.003, z))
    if form == "cane" and not drawer:
        assembly.add("headboard", move(rounded_box(wide - 0.10, 0.006, high - 0.10, 0.002), x, y - 0.001, z + 0.05))
    _handle(assembly, form, x, y, z, wide, high, drawer=drawer, inner=inner)


def _handle(assembly: Assembly, form: str, x: float, y: float, z: float, wide: float, high: float, *, drawer: bool, inner: int) -> None:
    at_x, at_z = (x, z + high / 2) if drawer else (x + inner * (wide / 2 - 0.05), z + high * 0.58)
    if form == "panelled":
        for dx in (-wide * 0.25, wide * 0.25) if drawer and wide > 0.45 else (0.0,):
            knob = turn(lathe([(0.006, 0), (0.006, 0.012), (0.016, 0.02), (0.013, 0.03), (0, 0.032)], sides=14), "x", 90)
            assembly.add("metal", move(knob, at_x + dx, y, at_z))
    elif form == "frame" or (form == "flat" and assembly.look.form("leg") in ("pin", "sled")):
        long = min(0.16, wide * 0.4)
        bar = rounded_box(long, 0.010, 0.010, 0.003) if drawer else rounded_box(0.010, 0.010, 0.16, 0.003)
        assembly.add("metal", move(bar, at_x, y - 0.014, at_z))
        assembly.add("metal", move(rounded_box(0.008, 0.016, 0.008, 0.001), at_x, y - 0.006, at_z))
    else:
        groove = rounded_box(min(0.10, wide * 0.3), 0.006, 0.014, 0.002)
        assembly.add("frame", move(groove, x, y + 0.0015, z + high - 0.020))


def _steel_frame(assembly: Assembly, width: float, depth: float, height: float) -> None:
    for sy in (-1, 1):
        assembly.add_pair("metal", move(rounded_box(0.022, 0.022, height - 0.004, 0.002), width / 2, sy * (depth / 2 - 0.005)))


def _dress(assembly: Assembly, width: float, z: float) -> None:
    """A vase with stems at one end, books and a bowl at the other."""
    from .plants import sprig

    t = np.linspace(0, 1, 20)
    curve = [(0.045 + 0.04 * float(np.sin(np.pi * min(v * 1.1, 1.0))), 0.24 * float(v)) for v in t]
    assembly.add("pot", move(lathe([(0, 0), curve[0]], curve, sides=24), -width * 0.34, 0.0, z))
    assembly.add("leaf", move(sprig(6, 0.26, seed=8), -width * 0.34, 0.0, z + 0.22))
    inner = Assembly(assembly.look)
    dress_top(inner, z, 0.17)
    assembly.take(inner, x=width * 0.26)


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
    _dress(assembly, width_m, 0.80)
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
            assembly.add_pair("metal", move(rounded_box(0.022, 0.022, high, 0.002), width_m / 2 - 0.011, sy * (depth / 2 - 0.012)))
    else:
        assembly.add_pair(role, move(side, width_m / 2 - 0.0125))
        assembly.add(role, move(rounded_box(width_m - 0.02, 0.008, high - 0.05, 0.002), 0, depth / 2 - 0.004, 0.04))
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
        book = rounded_box(round(thick, 3), round(random.uniform(0.15, 0.2), 2), round(tall, 2), 0.002, steps=1)
        assembly.add(f"book:{random.integers(0, 9)}", move(book, side * (x + thick / 2), 0.03, z))
        x += thick + 0.002
    middle = side * (end + width / 2) / 2
    if shelf % 3 == 0:
        assembly.add("pot", move(bowl(0.09, 0.08), middle + side * 0.03, 0, z))
    elif shelf % 3 == 1:
        for k in range(3):
            stack = rounded_box(0.20, 0.16, 0.026, 0.002)
            assembly.add(f"book:{k + 1}", move(turn(stack, "z", 6 * k), middle + side * 0.03, 0, z + 0.026 * k))
    else:
        vase = [(0.05 + 0.02 * float(np.sin(3 * v)), 0.2 * float(v)) for v in np.linspace(0, 1, 12)]
        assembly.add("lamp", move(lathe([(0, 0), vase[0]], vase, sides=20), middle + side * 0.03, 0, z))
