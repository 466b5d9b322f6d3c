"""Armchairs: the sofa's little sister, a tub, a wooden lounge chair, a wing chair."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.mesh import Piece

from .assembly import Assembly
from .legs import stand_on
from .shapes import rounded_box, tube
from .sofas import ARM_WIDTH_M, sofa
from .soft import cushion, pillow, standing
from .style import Look
from .transform import Points, deform, move, turn

KIND = "armchair"


def armchair(look: Look) -> Piece:
    """An armchair in the look's form, front towards -y."""
    form = look.form("armchair")
    if form == "club":
        return sofa(look, 0.66 + 2 * ARM_WIDTH_M[look.form("arm")], role="armchair", kind=KIND)
    return {"tub": _tub, "lounge": _lounge, "wing": _wing, "sling": _sling}[form](look)


def _tub(look: Look) -> Piece:
    """A round shell wrapped about a thick seat."""
    assembly = Assembly(look)
    shell = move(rounded_box(2.02, 0.10, 0.5, 0.045, (40, 1, 6), steps=3), z=0)

    def wrap(points: Points) -> Points:
        angle = points[:, 0] / 0.38
        front = np.clip(np.abs(angle) / 2.66, 0, 1) ** 3
        radius = 0.335 + points[:, 1] + 0.05 * (points[:, 2] / 0.5) * (1 - front)
        height = points[:, 2] * (1 - 0.30 * front)
        return np.stack([radius * np.sin(angle), radius * np.cos(angle), height], axis=1)

    assembly.add("armchair", move(deform(shell, wrap), z=0.22))
    seat = deform(cushion(0.60, 0.62, 0.20, crown=0.03, radius=0.06), _round_off)
    assembly.add("armchair", move(seat, 0, -0.03, 0.25))
    base = deform(rounded_box(0.62, 0.64, 0.09, 0.03, (8, 8, 1)), _round_off)
    assembly.add("armchair", move(base, 0, 0.0, 0.17))
    assembly.add("cushion:0", move(standing(pillow(0.40, 0.34, 0.13, 8), 70), 0, 0.10, 0.44))
    leg = look.form("leg")
    stand_on(assembly, leg if leg != "sled" else "taper", 0.56, 0.56, 0.18, inset=0.04)
    return assembly.piece(KIND)


def _round_off(points: Points) -> Points:
    """Square to disc (Shirley's elliptical map), so that a box becomes a round seat."""
    x, y = points[:, 0] / 0.32, points[:, 1] / 0.32
    rx = np.sqrt(np.maximum(1 - 0.42 * np.clip(y, -1, 1) ** 2, 0.05))
    ry = np.sqrt(np.maximum(1 - 0.42 * np.clip(x, -1, 1) ** 2, 0.05))
    return np.stack([points[:, 0] * rx, points[:, 1] * ry, points[:, 2]], axis=1)


def _lounge(look: Look) -> Piece:
    """An open wooden frame with a loose seat and back cushion."""
    assembly = Assembly(look)
    x = 0.33
    side = [
        tube([(x, -0.36, 0), (x, -0.33, 0.57)], [0.014, 0.021], 12),
        tube([(x, 0.36, 0), (x, 0.27, 0.55)], [0.014, 0.020], 12),
        tube([(x, 0.22, 0.24), (x, 0.40, 0.86)], [0.018, 0.014], 12),
        deform(move(rounded_box(0.065, 0.74, 0.026, 0.012, (1, 8, 1)), x, -0.03, 0.56), _dip),
        tube([(x, -0.34, 0.31), (x, 0.30, 0.23)], 0.018, 12),
    ]
    assembly.add_pair("wood", *side)
    for y, z in ((-0.33, 0.30), (0.27, 0.23), (0.375, 0.80), (0.30, 0.55)):
        assembly.add("wood", tube([(-x, y, z), (x, y, z)], 0.015, 10))
    seat = turn(cushion(0.60, 0.64, 0.15, crown=0.02), "x", -7)
    assembly.add("armchair", move(seat, 0, -0.04, 0.28))
    back = turn(move(cushion(0.60, 0.56, 0.15, crown=0.022, seed=3), z=-0.07), "x", 73)
    assembly.add("armchair", move(back, 0, 0.245, 0.66))
    assembly.add("cushion:1", move(standing(pillow(0.42, 0.30, 0.12, 4), 68), 0, 0.06, 0.42))
    return assembly.piece(KIND)


def _dip(points: Points) -> Points:
    """Arm rests that sink a little towards the back."""
    fall = 0.03 * (points[:, 1] + 0.4) ** 2
    return points - np.stack([0 * fall, 0 * fall, fall], axis=1)


def _wing(look: Look) -> Piece:
    """A high back with wings, rolled arms and a plump seat."""
    assembly = Assembly(look)
    back = rounded_box(0.62, 0.15, 0.80, 0.06, (14, 1, 10), steps=3)

    def crest(points: Points) -> Points:
        x, z = points[:, 0] / 0.31, points[:, 2] / 0.8
        lift = 0.05 * (1 - x**2) * z**3
        return points + np.stack([0 * x, 0.14 * points[:, 2], lift], axis=1)

    assembly.add("armchair", move(deform(back, crest), 0, 0.24, 0.30))
    wing = rounded_box(0.085, 0.30, 0.44, 0.04, (1, 6, 6), steps=3)

    def sweep(points: Points) -> Points:
        fall = np.clip(0.15 - points[:, 1], 0, 1) * 0.5
        out = 0.05 * np.clip(points[:, 2] / 0.44, 0, 1)
        return points + np.stack([out, 0.14 * points[:, 2], -fall * points[:, 2] / 0.44], axis=1)

    assembly.add_pair("armchair", move(deform(wing, sweep), 0.30, 0.13, 0.60))
    arm = rounded_box(0.12, 0.60, 0.30, 0.03, (1, 1, 1), steps=3)
    assembly.add_pair("armchair", move(arm, 0.315, -0.05, 0.27))
    roll = tube([(0, -0.37, 0), (0, -0.36, 0), (0, 0.2, 0)], [0.066, 0.075, 0.07], 22)
    assembly.add_pair("armchair", move(roll, 0.33, 0, 0.575))
    assembly.add("armchair", move(rounded_box(0.66, 0.64, 0.14, 0.03), 0, -0.01, 0.17))
    assembly.add("armchair", move(cushion(0.52, 0.60, 0.19, crown=0.035, seed=2), 0, -0.06, 0.29))
    assembly.add("cushion:2", move(standing(pillow(0.42, 0.32, 0.13, 6), 72), 0, 0.09, 0.46))
    stand_on(assembly, "turned" if look.form("leg") in ("turned", "bun") else "taper",
             0.66, 0.66, 0.18, inset=0.05)  # fmt: skip
    return assembly.piece(KIND)


def _sling(look: Look) -> Piece:
    """A steel frame with padded seat and back: the industrial lounge chair."""
    assembly = Assembly(look)
    x = 0.34
    loop = [
        (x, -0.36, 0.02), (x, -0.36, 0.56), (x, -0.33, 0.59), (x, 0.30, 0.59), (x, 0.33, 0.56),
        (x, 0.33, 0.02), (x, 0.30, 0.012), (x, -0.33, 0.012),
    ]  # fmt: skip
    assembly.add_pair("metal", tube(loop, 0.013, 10, closed=True))
    for y, z in ((-0.30, 0.30), (0.24, 0.24), (0.36, 0.78)):
        assembly.add("metal", tube([(-x, y, z), (x, y, z)], 0.011, 10))
    assembly.add_pair("metal", tube([(x - 0.03, 0.22, 0.24), (x - 0.03, 0.38, 0.82)], 0.011, 10))
    assembly.add_pair("wood", move(rounded_box(0.05, 0.42, 0.022, 0.008), x, -0.02, 0.60))
    seat = turn(cushion(0.60, 0.62, 0.13, crown=0.014, seed=1), "x", -6)
    assembly.add("armchair", move(seat, 0, -0.05, 0.31))
    back = turn(move(cushion(0.60, 0.54, 0.13, crown=0.014, seed=5), z=-0.06), "x", 75)
    assembly.add("armchair", move(back, 0, 0.255, 0.66))
    return assembly.piece(KIND)
