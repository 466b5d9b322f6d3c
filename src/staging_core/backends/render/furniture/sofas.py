"""Sofas of any width: arms, backs and legs by form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from staging_core.backends.render.mesh import Mesh, Piece

from .assembly import Assembly
from .legs import stand_on
from .shapes import rounded_box, tube
from .soft import arch, cushion, pillow, piping, standing, throw
from .style import Look
from .transform import Points, deform, displace, move, turn

DEPTH_M = 0.92
LIFT_M = {"plinth": 0.06, "bun": 0.09, "turned": 0.14, "block": 0.12}
ARM_WIDTH_M = {
    "track": 0.18,
    "slim": 0.09,
    "rolled": 0.24,
    "soft": 0.23,
    "sloped": 0.15,
    "wood": 0.07,
}
SEAT_M = 0.43


def sofa(look: Look, width_m: float = 2.1, *, role: str = "sofa", kind: str = "sofa") -> Piece:
    """A sofa ``width_m`` wide with one seat cushion for every 0.6-0.8 m and scatter pillows."""
    assembly = Assembly(look)
    arm, leg = look.form("arm"), look.form("leg")
    lift = LIFT_M.get(leg, 0.15)
    arm_width = ARM_WIDTH_M[arm]
    inner = width_m - 2 * arm_width
    _body(assembly, role, width_m, arm, lift)
    assembly.add_pair(role if arm != "wood" else "wood", *arm_meshes(arm, width_m, lift))
    if arm == "rolled":
        _roll_piping(assembly, role, width_m)
    _seats(assembly, role, inner, arm)
    if arm != "wood":
        stand_on(assembly, leg, _base_width(arm, width_m), DEPTH_M - 0.06, lift, inset=0.06)
    if kind == "sofa":
        _dress(assembly, inner, width_m, arm)
    return assembly.piece(kind)


def _base_width(arm: str, width: float) -> float:
    """Arms that stand beyond the base leave it narrower than the sofa."""
    return width - {"rolled": 0.11, "wood": 0.10}.get(arm, 0.02)


def _body(assembly: Assembly, role: str, width_m: float, arm: str, lift: float) -> None:
    """The upholstered base and the back frame that the cushions lean on."""
    width, inner = _base_width(arm, width_m), width_m - 2 * ARM_WIDTH_M[arm]
    base_top = SEAT_M - 0.15
    assembly.add(role, move(rounded_box(width, DEPTH_M - 0.05, base_top - lift, 0.02), z=lift))
    back_height = 0.76 if arm != "rolled" else 0.82
    frame = rounded_box(inner + 0.02, 0.17, back_height - lift, 0.05, (2, 1, 2), steps=3)
    assembly.add(role, move(deform(frame, _lean(0.05)), y=DEPTH_M / 2 - 0.13, z=lift))


def _lean(amount: float) -> Callable[[Points], Points]:
    """A shear that moves a back's top ``amount`` metres backwards per metre of height."""

    def bend(points: Points) -> Points:
        return points + np.stack([0 * points[:, 2], amount * points[:, 2], 0 * points[:, 2]], 1)

    return bend


def arm_meshes(form: str, width: float, lift: float) -> list[Mesh]:
    """The right arm of a seat ``width`` wide, in place."""
    thick = ARM_WIDTH_M[form]
    x = width / 2 - thick / 2
    if form == "rolled":
        return _rolled_arm(x, thick, lift)
    if form == "wood":
        return _wooden_arm(x, lift)
    height = {"track": 0.62, "slim": 0.64, "soft": 0.60, "sloped": 0.64}[form]
    radius = {"track": 0.025, "slim": 0.03, "soft": 0.085, "sloped": 0.04}[form]
    box = rounded_box(thick, DEPTH_M, height - lift, radius, (3, 8, 5), steps=3)
    if form == "sloped":
        box = deform(box, _sloped)
    if form == "soft":
        box = displace(box, lambda p: 0.012 * np.cos(3.1 * p[:, 1]) * np.clip(p[:, 2] / 0.4, 0, 1))
    return [move(box, x, 0, lift)]


def _sloped(points: Points) -> Points:
    """Arms that fall towards the front and flare outward a little."""
    up = np.clip(points[:, 2] / 0.5, 0, 1) ** 2
    front = 0.5 - points[:, 1] / DEPTH_M
    return points + np.stack([0.05 * up, 0 * up, -0.085 * up * front], axis=1)


def _rolled_arm(x: float, thick: float, lift: float) -> list[Mesh]:
    panel = rounded_box(thick - 0.07, DEPTH_M - 0.04, 0.56 - lift, 0.03, (1, 1, 1), steps=3)
    roll = tube(
        [(0, -DEPTH_M / 2 + 0.02, 0), (0, -DEPTH_M / 2 + 0.035, 0), (0, 0.0, 0),
         (0, DEPTH_M / 2 - 0.06, 0)],
        [0.094, 0.104, 0.105, 0.095], 28,
    )  # fmt: skip
    return [move(panel, x - 0.02, 0, lift), move(roll, x + 0.01, 0, 0.555)]


def _roll_piping(assembly: Assembly, role: str, width: float) -> None:
    """The cord round the front of a rolled arm."""
    x = width / 2 - ARM_WIDTH_M["rolled"] / 2 + 0.01
    circle = [
        (x + 0.098 * float(np.cos(a)), -DEPTH_M / 2 + 0.022, 0.555 + 0.098 * float(np.sin(a)))
        for a in np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ]
    assembly.add_pair(role, tube(circle, 0.006, 6, closed=True))


def _wooden_arm(x: float, lift: float) -> list[Mesh]:
    rest = move(rounded_box(0.065, DEPTH_M - 0.12, 0.028, 0.012), x, -0.02, 0.60)
    front = tube([(x, -DEPTH_M / 2 + 0.07, 0), (x, -DEPTH_M / 2 + 0.09, 0.61)], [0.014, 0.021], 12)
    rear = tube([(x, DEPTH_M / 2 - 0.03, 0), (x, DEPTH_M / 2 - 0.10, 0.61)], [0.014, 0.021], 12)
    rail = move(rounded_box(0.03, DEPTH_M - 0.2, 0.06, 0.008), x, 0, lift + 0.05)
    return [rest, front, rear, rail]


def _seats(assembly: Assembly, role: str, inner: float, arm: str) -> None:
    """Loose seat and back cushions side by side."""
    back = assembly.look.form("back")
    count = 1 if inner < 0.95 else max(2, round(inner / 0.72))
    depth = DEPTH_M - 0.24
    seats = 1 if back == "bench" else count
    wide = inner / seats
    for i in range(seats):
        x = -inner / 2 + wide * (i + 0.5)
        seat = cushion(wide - 0.004, depth, 0.18, crown=0.022, radius=0.04, seed=i)
        assembly.add(role, move(seat, x, -DEPTH_M / 2 + depth / 2 + 0.005, SEAT_M - 0.15))
        if arm in ("rolled", "slim"):
            cord = piping(wide - 0.008, depth - 0.004, SEAT_M - 0.02)
            assembly.add(role, move(cord, x, -DEPTH_M / 2 + depth / 2 + 0.005))
    _back_cushions(assembly, role, inner, count, back)


def _back_cushions(assembly: Assembly, role: str, inner: float, count: int, back: str) -> None:
    y = DEPTH_M / 2 - 0.235
    if back in ("tufted", "channel"):
        panel = rounded_box(inner - 0.01, 0.15, 0.46, 0.05, (int(inner * 40), 1, 16), steps=3)
        relief = _tufts if back == "tufted" else _channels
        shaped = displace(panel, relief)
        assembly.add(role, move(turn(shaped, "x", -8), 0, y + 0.04, SEAT_M - 0.04))
        return
    wide = inner / count
    high = 0.47 if back != "low" else 0.40
    for i in range(count):
        flat = cushion(wide - 0.006, high, 0.21, crown=0.045, radius=0.06, seed=40 + i)
        upright = turn(move(flat, z=-0.1), "x", 79)
        x = -inner / 2 + wide * (i + 0.5)
        assembly.add(role, move(upright, x, y - 0.01, SEAT_M + high / 2 - 0.02))


def _tufts(points: Points) -> Points:
    """Buttons in a diamond lattice, 0.17 m apart, with the folds between them."""
    x, z = points[:, 0] / 0.17, (points[:, 2] - 0.09) / 0.13
    wave = np.cos(np.pi * (x + z)) * np.cos(np.pi * (x - z))
    face = np.clip(-points[:, 1] / 0.05, 0, 1)
    relief: Points = -0.030 * face * np.clip(wave, 0, 1) ** 3 + 0.008 * face
    return relief


def _channels(points: Points) -> Points:
    """Upright channels 0.11 m wide."""
    face = np.clip(0.5 - points[:, 1] / 0.1, 0, 1)
    relief: Points = 0.016 * face * (np.abs(np.cos(np.pi * points[:, 0] / 0.11)) ** 0.7 - 0.6)
    return relief


def _dress(assembly: Assembly, inner: float, width: float, arm: str) -> None:
    """Scatter pillows at both ends and a throw over one arm."""
    for i, (side, shift, size) in enumerate([(-1, 0.0, 0.46), (1, 0.0, 0.44), (-1, 0.26, 0.36)]):
        if i == 2 and inner < 1.4:
            continue
        tilted = turn(pillow(size, size, 0.20, seed=i), "z", side * 5)
        turned = turn(standing(tilted, 62), "z", -side * (16 + 8 * i))
        x = side * (inner / 2 - size / 2 + 0.02 - shift)
        assembly.add(f"cushion:{i}", move(turned, x, -0.02 - shift * 0.42, SEAT_M + 0.005))
    if arm in ("track", "soft", "slim"):
        half = ARM_WIDTH_M[arm] / 2 + 0.012
        top = {"track": 0.632, "soft": 0.632, "slim": 0.652}[arm]
        cloth = turn(throw(arch(half, top, 0.3, min(0.05, half * 0.9)), 0.36, 5), "z", 90)
        assembly.add("throw", move(cloth, width / 2 - ARM_WIDTH_M[arm] / 2, -0.14))
