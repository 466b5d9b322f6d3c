"""Cabinets with doors or drawers: nightstand, dresser, sideboard, media unit."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.mesh import Piece

from .assembly import Assembly
from .fronts import Front, body_role, front
from .legs import stand_on
from .plants import sprig
from .shapes import lathe, rounded_box
from .style import Look
from .tables import dress_top
from .transform import move

_GAP_M = 0.004
_TOP_M = 0.024


def nightstand(look: Look) -> Piece:
    """A nightstand 0.5 m wide with two drawers."""
    return _cabinet(look, (0.48, 0.40, 0.55), columns=1, rows=2).piece("nightstand")


def dresser(look: Look, width_m: float = 1.3) -> Piece:
    """A chest of six drawers, 0.8 m high, with a vase and books on it."""
    assembly = _cabinet(look, (width_m, 0.46, 0.80), columns=2, rows=3)
    dress_cabinet(assembly, width_m, 0.80)
    return assembly.piece("dresser")


def sideboard(look: Look, width_m: float = 1.6) -> Piece:
    """A sideboard with doors, 0.78 m high, with a vase and books on it."""
    doors = max(round(width_m / 0.5), 2)
    assembly = _cabinet(look, (width_m, 0.42, 0.78), columns=doors, rows=1)
    dress_cabinet(assembly, width_m, 0.78)
    return assembly.piece("sideboard")


def media_unit(look: Look, width_m: float = 1.6) -> Piece:
    """A low unit for under a screen, 0.5 m high, with a vase and books on it."""
    doors = max(round(width_m / 0.55), 2)
    assembly = _cabinet(look, (width_m, 0.40, 0.50), columns=doors, rows=1)
    dress_cabinet(assembly, width_m, 0.50)
    return assembly.piece("media_unit")


def _cabinet(look: Look, size: tuple[float, float, float], *, columns: int, rows: int) -> Assembly:
    """A body on legs with ``columns`` x ``rows`` fronts: one row has doors, more have drawers."""
    width, depth, height = size
    assembly, form, leg = Assembly(look), look.form("cabinet"), look.form("leg")
    lift = {"plinth": 0.05, "bun": 0.08}.get(leg, 0.16 if height < 0.7 else 0.18)
    body = height - lift - 0.022
    role, over = body_role(form), 0.02 if form == "panelled" else 0.0
    assembly.add(role, move(rounded_box(width - 0.01, depth - 0.022, body, 0.003), 0, 0.011, lift))
    top = rounded_box(width + over, depth + over, _TOP_M, 0.005)
    assembly.add("wood" if form == "panelled" else role, move(top, z=height - _TOP_M))
    wide, high = (width - 0.03) / columns, (body - 0.016) / rows
    for i in range(columns):
        x = wide * (i - (columns - 1) / 2)
        one = Front(form, wide - _GAP_M, high - _GAP_M, drawer=rows > 1, hinge=-1 if x <= 0 else 1)
        for j in range(rows):
            assembly.take(front(look, one), x, -depth / 2, lift + 0.008 + high * j)
    if form == "frame":
        _steel_frame(assembly, width, depth, height)
        stand_on(assembly, "pin", width, depth, lift, inset=0.03)
    else:
        feet = "taper" if leg == "turned" else leg
        stand_on(assembly, feet, width - 0.02, depth - 0.02, lift, inset=0.045)
    return assembly


def _steel_frame(assembly: Assembly, width: float, depth: float, height: float) -> None:
    post = rounded_box(0.022, 0.022, height - 0.004, 0.002)
    for side in (-1, 1):
        assembly.add_pair("metal", move(post, width / 2, side * (depth / 2 - 0.005)))


def dress_cabinet(assembly: Assembly, width: float, z: float) -> None:
    """A vase with stems at one end of a top at height ``z``, books and a bowl at the other."""
    t = np.linspace(0, 1, 20)
    curve = [(0.045 + 0.04 * float(np.sin(np.pi * min(v * 1.1, 1.0))), 0.24 * float(v)) for v in t]
    assembly.add("pot", move(lathe([(0, 0), curve[0]], curve, sides=24), -width * 0.34, 0.0, z))
    assembly.add("leaf", move(sprig(6, 0.26, seed=8), -width * 0.34, 0.0, z + 0.22))
    inner = Assembly(assembly.look)
    dress_top(inner, z, 0.17)
    assembly.take(inner, x=width * 0.26)
