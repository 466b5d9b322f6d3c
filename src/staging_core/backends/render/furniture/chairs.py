"""Dining chairs: shell, spindle, ladder back, upholstered, cantilever and metal."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.mesh import Piece

from .assembly import Assembly
from .legs import one_leg
from .shapes import rounded_box, tube
from .soft import cushion
from .style import Look
from .transform import Points, deform, displace, move, turn

SEAT_M = 0.46


def chair(look: Look) -> Piece:
    """A dining chair about 0.5 m wide, front towards -y."""
    assembly = Assembly(look)
    _CHAIRS[look.form("chair")](assembly)
    return assembly.piece("chair")


def _legs(assembly: Assembly, form: str, width: float, depth: float, height: float) -> None:
    role = "metal" if form == "pin" else "wood"
    for sy in (-1, 1):
        leg = one_leg(form, height, (0.03, sy * 0.035))
        assembly.add_pair(role, move(leg, width / 2 - 0.05, sy * (depth / 2 - 0.05)))


def _seat(
    assembly: Assembly, role: str, width: float = 0.45, depth: float = 0.43, thick: float = 0.07
) -> None:
    pad = cushion(width, depth, thick, crown=0.012, radius=0.03)
    assembly.add(role, move(pad, 0, -0.01, SEAT_M - thick + 0.012))


def _shell(assembly: Assembly) -> None:
    """A moulded bucket: seat and back in one bent sheet."""
    strip = rounded_box(0.46, 0.92, 0.022, 0.010, (14, 30, 1), steps=2)

    def bucket(points: Points) -> Points:
        x, t = points[:, 0], (points[:, 1] + 0.46) / 0.92
        bend = 1 / (1 + np.exp(-(t - 0.52) * 16))
        run = np.minimum(t, 0.52) * 0.86
        y = -0.24 + run + np.maximum(t - 0.52, 0) * 0.20
        z = (
            SEAT_M
            - 0.035 * np.sin(np.pi * np.clip(t / 0.5, 0, 1))
            + np.maximum(t - 0.50, 0) ** 1.1 * 0.92
        )
        side = (x / 0.23) ** 2
        narrow = 1 - 0.16 * np.clip(t - 0.6, 0, 1) * 2
        off_y = -0.075 * side * bend + (points[:, 2] - 0.011) * bend
        off_z = 0.045 * side * (1 - bend) * np.clip(t * 2.4, 0, 1) + (points[:, 2] - 0.011) * (
            1 - bend
        )
        return np.stack([x * narrow, y + off_y, z + off_z], axis=1)

    assembly.add("chair", deform(strip, bucket))
    role = "metal" if assembly.look.form("leg") in ("pin", "sled", "hairpin") else "wood"
    form = "pin" if role == "metal" else "taper"
    for sy in (-1, 1):
        leg = tube([(0.23, sy * 0.20, 0), (0.13, sy * 0.12, SEAT_M - 0.03)],
                   [0.009, 0.011] if form == "pin" else [0.012, 0.019], 12)  # fmt: skip
        assembly.add_pair(role, leg)
    for y in (-0.12, 0.12):
        assembly.add(role, tube([(-0.14, y, SEAT_M - 0.04), (0.14, y, SEAT_M - 0.04)], 0.012, 8))


def _spindle(assembly: Assembly) -> None:
    """A saddle seat with a bowed back of thin spindles."""
    seat = rounded_box(0.45, 0.43, 0.038, 0.017, (10, 10, 1), steps=3)
    saddle = displace(
        seat,
        lambda p: (
            -0.010
            * np.clip(p[:, 2] / 0.03, 0, 1)
            * np.exp(-((p[:, 0] / 0.13) ** 2 + (p[:, 1] / 0.13) ** 2))
        ),
    )
    assembly.add("wood", move(saddle, 0, -0.01, SEAT_M - 0.038))
    bow = [
        (
            0.205 * float(np.cos(a)),
            0.19 + 0.10 * float(np.sin(a)),
            SEAT_M + 0.42 * float(np.sin(a)) ** 0.55,
        )
        for a in np.linspace(0.02, np.pi - 0.02, 23)
    ]
    foot = [(0.195, 0.17, SEAT_M - 0.01)]
    assembly.add("wood", tube([*foot, *bow, (-0.195, 0.17, SEAT_M - 0.01)], 0.0125, 10))
    for i in range(7):
        x = (i - 3) * 0.052
        top = SEAT_M + 0.42 * float(np.sqrt(1 - (x / 0.205) ** 2)) ** 0.55
        lean = 0.10 * float(np.sqrt(1 - (x / 0.205) ** 2))
        assembly.add(
            "wood", tube([(x * 0.85, 0.175, SEAT_M - 0.01), (x, 0.19 + lean, top)], 0.0065, 8)
        )
    _legs(assembly, "taper", 0.40, 0.40, SEAT_M - 0.03)
    for y in (-0.16, 0.16):
        assembly.add("wood", tube([(-0.16, y, 0.2), (0.16, y, 0.2)], 0.008, 8))


def _ladder(assembly: Assembly) -> None:
    """Curved rear posts with slats and a woven or padded seat."""
    _seat(assembly, "chair", 0.44, 0.42, 0.055)
    assembly.add("wood", move(rounded_box(0.43, 0.40, 0.05, 0.006), 0, -0.01, SEAT_M - 0.09))
    line = [(0.195, 0.22, 0.0), (0.195, 0.185, 0.30), (0.195, 0.19, SEAT_M), (0.2, 0.225, 0.74)]
    post = tube([*line, (0.2, 0.27, 0.98)], [0.014, 0.018, 0.019, 0.017, 0.012], 12)
    assembly.add_pair("wood", post)
    for k, z in enumerate((0.58, 0.70, 0.82, 0.93)):
        slat = rounded_box(0.385, 0.014, 0.055, 0.005, (10, 1, 2))
        arched = deform(
            slat,
            lambda p: (
                p
                + np.stack(
                    [
                        0 * p[:, 0],
                        0.05 * (1 - (p[:, 0] / 0.19) ** 2),
                        0.018 * (1 - (p[:, 0] / 0.19) ** 2) * p[:, 2] / 0.055,
                    ],
                    1,
                )
            ),
        )
        assembly.add("wood", move(arched, 0, 0.188 + 0.019 * k, z - 0.03))
    assembly.add_pair(
        "wood",
        move(
            one_leg(
                "turned" if assembly.look.form("leg") in ("turned", "bun") else "square",
                SEAT_M - 0.05,
            ),
            0.185,
            -0.185,
        ),
    )
    assembly.add("wood", tube([(-0.185, -0.185, 0.22), (0.185, -0.185, 0.22)], 0.009, 8))
    assembly.add_pair("wood", tube([(0.185, -0.185, 0.16), (0.195, 0.2, 0.16)], 0.009, 8))


def _parsons(assembly: Assembly) -> None:
    """Fully upholstered, with a high gently curved back."""
    assembly.add(
        "chair",
        move(rounded_box(0.47, 0.46, 0.09, 0.025, (1, 1, 1), steps=3), 0, -0.02, SEAT_M - 0.12),
    )
    _seat(assembly, "chair", 0.47, 0.47, 0.075)
    back = rounded_box(0.47, 0.075, 0.56, 0.034, (8, 1, 8), steps=3)

    def curve(points: Points) -> Points:
        lean = 0.16 * np.maximum(points[:, 2], 0) ** 1.3 + 0.03 * (1 - (points[:, 0] / 0.235) ** 2)
        return points + np.stack([0 * lean, lean, 0 * lean], axis=1)

    assembly.add("chair", move(deform(back, curve), 0, 0.185, SEAT_M - 0.10))
    _legs(assembly, "square", 0.50, 0.50, SEAT_M - 0.11)


def _cantilever(assembly: Assembly) -> None:
    """A bent steel tube that carries a padded seat and back."""
    x = 0.22
    bends = [
        (0.30, 0.86), (0.235, 0.50), (0.215, 0.455), (0.17, 0.44), (-0.20, 0.445), (-0.235, 0.43),
        (-0.245, 0.39), (-0.225, 0.04), (-0.215, 0.016), (-0.18, 0.012), (0.24, 0.012),
    ]  # fmt: skip
    assembly.add_pair("metal", tube([(x, y, z) for y, z in bends], 0.011, 10))
    assembly.add("metal", tube([(-x, 0.24, 0.012), (x, 0.24, 0.012)], 0.011, 10))
    _seat(assembly, "chair", 0.44, 0.44, 0.065)
    back = rounded_box(0.44, 0.04, 0.34, 0.018, (8, 1, 4), steps=3)
    bent = deform(
        back,
        lambda p: (
            p
            + np.stack(
                [0 * p[:, 0], 0.19 * p[:, 2] + 0.02 * (1 - (p[:, 0] / 0.22) ** 2), 0 * p[:, 0]], 1
            )
        ),
    )
    assembly.add("chair", move(bent, 0, 0.235, 0.53))


def _metal(assembly: Assembly) -> None:
    """A pressed-steel cafe chair with a wooden seat."""
    assembly.add(
        "wood",
        move(rounded_box(0.40, 0.39, 0.024, 0.010, (1, 1, 1), steps=3), 0, -0.01, SEAT_M - 0.024),
    )
    assembly.add("metal", move(rounded_box(0.38, 0.37, 0.03, 0.006), 0, -0.01, SEAT_M - 0.054))
    for sy in (-1, 1):
        assembly.add_pair(
            "metal",
            tube([(0.215, sy * 0.205, 0), (0.17, sy * 0.155, SEAT_M - 0.03)], [0.010, 0.018], 8),
        )
    hoop = [
        (
            0.19 * float(np.cos(a)),
            0.175 + 0.07 * float(np.sin(a)),
            SEAT_M + 0.38 * float(np.sin(a)) ** 0.5,
        )
        for a in np.linspace(0.02, np.pi - 0.02, 19)
    ]
    foot = [(0.19, 0.165, SEAT_M - 0.03)]
    assembly.add("metal", tube([*foot, *hoop, (-0.19, 0.165, SEAT_M - 0.03)], 0.011, 10))
    splat = deform(
        rounded_box(0.13, 0.008, 0.385, 0.003, (1, 1, 6)),
        lambda p: p + np.stack([0 * p[:, 0], 0.17 * p[:, 2], 0 * p[:, 0]], 1),
    )
    assembly.add("metal", move(splat, 0, 0.178, SEAT_M - 0.01))


def _round_back(assembly: Assembly) -> None:
    """A padded seat within a rounded, wrapped back: the small armchair of dining rooms."""
    _seat(assembly, "chair", 0.47, 0.46, 0.09)
    shell = rounded_box(0.86, 0.05, 0.30, 0.023, (26, 1, 5), steps=3)

    def wrap(points: Points) -> Points:
        angle = points[:, 0] / 0.27
        fall = np.clip(np.abs(angle) / 1.6, 0, 1) ** 2
        radius = 0.235 + points[:, 1] + 0.16 * points[:, 2] * (1 - 0.5 * fall)
        return np.stack(
            [
                radius * np.sin(angle),
                radius * np.cos(angle) - 0.01,
                points[:, 2] * (1 - 0.35 * fall),
            ],
            1,
        )

    assembly.add("chair", move(deform(shell, wrap), z=SEAT_M + 0.02))
    metal = assembly.look.form("leg") in ("pin", "sled")
    _legs(assembly, "pin" if metal else "taper", 0.46, 0.44, SEAT_M - 0.05)


def _cane(assembly: Assembly) -> None:
    """A slim frame with a cane panel in the back and a soft seat."""
    _seat(assembly, "chair", 0.46, 0.44, 0.06)
    assembly.add("wood", move(rounded_box(0.45, 0.42, 0.035, 0.01), 0, -0.01, SEAT_M - 0.07))
    assembly.add_pair(
        "wood",
        tube(
            [(0.205, 0.21, 0), (0.205, 0.19, SEAT_M), (0.205, 0.275, 0.83)],
            [0.013, 0.018, 0.014],
            12,
        ),
    )
    _tilted = turn(rounded_box(0.40, 0.010, 0.27, 0.004), "x", -13)
    assembly.add("headboard", move(_tilted, 0, 0.222, 0.545))
    for z, y in ((0.545, 0.215), (0.815, 0.272)):
        assembly.add(
            "wood", move(turn(rounded_box(0.42, 0.026, 0.034, 0.011), "x", -13), 0, y, z - 0.017)
        )
    assembly.add_pair("wood", move(one_leg("taper", SEAT_M - 0.05, (0.01, -0.02)), 0.195, -0.18))


_CHAIRS = {
    "cane": _cane,
    "cantilever": _cantilever,
    "ladder": _ladder,
    "metal": _metal,
    "parsons": _parsons,
    "round_back": _round_back,
    "shell": _shell,
    "spindle": _spindle,
}
