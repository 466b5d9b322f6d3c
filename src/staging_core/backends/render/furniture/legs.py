"""What furniture stands on: four legs, a plinth or a frame, by form."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.mesh import Mesh

from .assembly import Assembly
from .shapes import lathe, ring_path, rounded_box, tube
from .transform import Points, deform, merge, move

FORMS = ("taper", "block", "square", "turned", "bun", "hairpin", "sled", "plinth", "pin")


def stand_on(
    assembly: Assembly, form: str, width: float, depth: float, height: float, *, inset: float = 0.05
) -> None:
    """Give the piece legs of ``form`` under a ``width`` x ``depth`` body at ``height`` metres."""
    if form == "plinth":
        assembly.add("wood", rounded_box(width - 0.12, depth - 0.1, height, 0.004))
    elif form == "sled":
        _sled(assembly, width - 2 * inset, depth - 2 * inset, height)
    else:
        x, y = width / 2 - inset, depth / 2 - inset
        for sy in (-1, 1):
            mesh = one_leg(form, height, splay=(0.03, sy * 0.03))
            assembly.add_pair(
                "metal" if form in ("hairpin", "pin") else "wood", move(mesh, x, sy * y)
            )


def one_leg(form: str, height: float, splay: tuple[float, float] = (0.0, 0.0)) -> Mesh:
    """A leg whose top centre is at (0, 0, ``height``); ``splay`` moves the foot outward."""
    sx, sy = splay
    if form == "taper":
        foot, top = max(0.011, height * 0.03), max(0.02, height * 0.055)
        return tube([(sx, sy, 0), (sx / 2, sy / 2, height / 2), (0, 0, height)],
                    [foot, (foot + top) / 2, top], 14)  # fmt: skip
    if form == "pin":
        return tube([(0, 0, 0), (0, 0, height)], 0.012, 12)
    if form == "hairpin":
        return _hairpin(height, sx, sy)
    if form == "turned":
        return _turned_leg(height)
    if form == "bun":
        angle = np.linspace(-1.2, 1.2, 9)
        radius, lift = 0.5 * height, height / 2 / np.sin(1.2)
        curve = [
            (float(radius * np.cos(a)) + 0.01, float(height / 2 + lift * np.sin(a))) for a in angle
        ]
        return lathe(curve, sides=18)
    return _square_leg(height, 0.05 if form == "block" else 0.035)


def _square_leg(height: float, side: float) -> Mesh:
    box = rounded_box(side, side, height, 0.004, steps=2)

    def narrow(points: Points) -> Points:
        factor = 0.72 + 0.28 * np.clip(points[:, 2:] / height, 0, 1)
        return np.concatenate([points[:, :2] * factor, points[:, 2:]], axis=1)

    return deform(box, narrow)


def _hairpin(height: float, sx: float, sy: float) -> Mesh:
    spread = 0.06
    turn_right = np.sign(sy) or 1.0
    path = [
        (-spread, 0.0, height),
        (sx - 0.012, sy, 0.03),
        (sx, sy + 0.002 * turn_right, 0.006),
        (sx + 0.006, sy - 0.012 * turn_right, 0.03),
        (0.0, -spread * turn_right, height),
    ]
    return tube([(float(x), float(y), float(z)) for x, y, z in path], 0.0055, 8)


def _turned_leg(height: float) -> Mesh:
    profile = [
        (0.0, 0.014), (0.04, 0.020), (0.10, 0.017), (0.16, 0.024), (0.22, 0.019), (0.30, 0.021),
        (0.50, 0.027), (0.66, 0.030), (0.72, 0.024), (0.76, 0.033), (0.80, 0.026), (0.84, 0.034),
        (0.88, 0.034),
    ]  # fmt: skip
    thick = max(0.8, min(height / 0.4, 1.4))
    from_z, radius = np.array(profile).T
    z = np.linspace(0, 0.88, 40)
    curve = [(float(np.interp(t, from_z, radius) * thick), float(t * height)) for t in z]
    head = rounded_box(0.068 * thick, 0.068 * thick, height * 0.13, 0.004)
    return merge(lathe(curve, sides=16), move(head, z=height * 0.87))


def _sled(assembly: Assembly, width: float, depth: float, height: float) -> None:
    """Two closed metal loops, one at each side."""
    loop = ring_path(depth, height - 0.01, 0.02, 0.0, 3)
    for side in (-1, 1):
        path = [(side * width / 2, x, y + height / 2) for x, y, _ in loop]
        assembly.add("metal", tube(path, 0.011, 8, closed=True))
