"""Coffee and side tables, and what lies on them."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.mesh import Mesh, Piece

from .assembly import Assembly
from .legs import one_leg, stand_on
from .shapes import lathe, rounded_box, tube
from .style import Look
from .transform import deform, move, turn


def round_top(diameter: float, thick: float, edge: float = 0.008) -> Mesh:
    """A round board lying on z = 0 with eased edges."""
    radius = diameter / 2
    under = min(0.006, (thick - edge) / 2)
    arc = [
        (radius - edge + edge * float(np.cos(a)), thick - edge + edge * float(np.sin(a)))
        for a in np.linspace(0, np.pi / 2, 4)
    ]
    return lathe(
        [(0, 0), (radius - under, 0)],
        [(radius - under, 0), (radius, under)],
        [(radius, under), arc[0]],
        arc,
        [arc[-1], (0, thick)],
        sides=56,
    )


def oval_top(width: float, depth: float, thick: float) -> Mesh:
    """A round board stretched to an oval."""
    stretch = np.array([1.0, depth / width, 1.0])
    return deform(round_top(width, thick), lambda points: points * stretch)


def coffee_table(look: Look, width_m: float = 1.1) -> Piece:
    """A coffee table 0.38-0.42 m high, dressed with books and a bowl; square or round by form."""
    assembly = Assembly(look)
    form = look.form("coffee_table")
    top = {
        "slab": _slab, "round": _round, "drum": _drum, "frame": _frame, "turned": _turned_table,
        "oval": _oval, "tray": _tray, "block": _block,
    }[form](assembly, width_m)  # fmt: skip
    dress_top(assembly, top, width_m * 0.16)
    return assembly.piece("coffee_table")


def _slab(assembly: Assembly, width: float) -> float:
    depth = width * 0.55
    assembly.add("top", move(rounded_box(width, depth, 0.035, 0.004), z=0.335))
    assembly.add("wood", move(rounded_box(width - 0.16, depth - 0.12, 0.018, 0.004), z=0.13))
    stand_on(assembly, "sled", width, depth, 0.335, inset=0.05)
    return 0.37


def _round(assembly: Assembly, width: float) -> float:
    size = width * 0.78
    assembly.add("wood", move(round_top(size, 0.03, 0.012), z=0.37))
    assembly.add("wood", move(round_top(size * 0.72, 0.05, 0.004), z=0.325))
    for angle in (45, 135, 225, 315):
        leg = one_leg("taper", 0.37, (0.07, 0.0))
        assembly.add("wood", turn(move(leg, size * 0.30), "z", angle))
    return 0.40


def _drum(assembly: Assembly, width: float) -> float:
    size = width * 0.8
    radius = size / 2
    wall = [(radius, 0.03), (radius, 0.30)]
    assembly.add("wood", lathe(wall, sides=64), lathe([(radius - 0.05, 0), (radius - 0.05, 0.03)]))
    for i in range(48):
        rib = rounded_box(0.012, size * np.pi / 48 * 0.72, 0.27, 0.005, steps=1)
        assembly.add("wood", turn(move(rib, radius, 0, 0.03), "z", i * 7.5))
    assembly.add("top", move(round_top(size + 0.03, 0.03), z=0.30))
    return 0.33


def _frame(assembly: Assembly, width: float) -> float:
    """Thick boards on a black steel frame with a lower shelf."""
    depth = width * 0.58
    for i in range(4):
        board = rounded_box(width, depth / 4 - 0.003, 0.04, 0.004)
        y = depth * (i - 1.5) / 4
        assembly.add("wood", move(board, 0, y, 0.39))
        shelf = rounded_box(width - 0.06, depth / 4 - 0.012, 0.022, 0.003)
        assembly.add("wood", move(shelf, 0, y * 0.94, 0.12))
    x, y = width / 2 - 0.03, depth / 2 - 0.03
    for sy in (-1, 1):
        assembly.add_pair("metal", move(rounded_box(0.035, 0.035, 0.39, 0.003), x, sy * y))
        for z in (0.095, 0.365):
            assembly.add("metal", move(rounded_box(2 * x, 0.025, 0.025, 0.002), 0, sy * y, z))
    return 0.43


def _turned_table(assembly: Assembly, width: float) -> float:
    depth = width * 0.60
    assembly.add("wood", move(rounded_box(width, depth, 0.032, 0.012, steps=3), z=0.415))
    assembly.add("wood", move(rounded_box(width - 0.10, depth - 0.10, 0.085, 0.006), z=0.33))
    stand_on(assembly, "turned", width - 0.06, depth - 0.06, 0.40, inset=0.04)
    assembly.add("wood", move(rounded_box(width - 0.12, depth - 0.12, 0.018, 0.006), z=0.09))
    return 0.447


def _oval(assembly: Assembly, width: float) -> float:
    depth = width * 0.55
    assembly.add("wood", move(oval_top(width, depth, 0.028), z=0.375))
    assembly.add("wood", move(oval_top(width * 0.66, depth * 0.62, 0.014), z=0.17))
    for sx in (-1, 1):
        for sy in (-1, 1):
            foot, head = (
                (sx * width * 0.36, sy * depth * 0.34, 0),
                (sx * width * 0.28, sy * depth * 0.26, 0.38),
            )
            assembly.add("wood", tube([foot, head], [0.012, 0.020], 12))
    return 0.403


def _tray(assembly: Assembly, width: float) -> float:
    """A rimmed round tray on a thin metal basket."""
    size = width * 0.76
    radius = size / 2
    assembly.add("wood", move(round_top(size, 0.02, 0.004), z=0.36))
    rim = [(radius, 0.36), (radius, 0.41)]
    inner = [(radius - 0.012, 0.41), (radius - 0.012, 0.38)]
    assembly.add("wood", lathe(rim, [rim[1], inner[0]], inner, sides=56))
    for angle in range(0, 360, 45):
        leg = tube([(radius * 0.72, 0, 0.01), (radius * 0.92, 0, 0.36)], 0.006, 8)
        assembly.add("metal", turn(leg, "z", angle))
    assembly.add("metal", _hoop(radius * 0.72, 0.008), _hoop(radius * 0.92, 0.352))
    return 0.38


def _hoop(radius: float, z: float) -> Mesh:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    path = [(radius * float(np.cos(a)), radius * float(np.sin(a)), z) for a in angle]
    return tube(path, 0.006, 8, closed=True)


def _block(assembly: Assembly, width: float) -> float:
    """Two heavy legs and a thick top, as if from one beam."""
    depth = width * 0.58
    assembly.add("wood", move(rounded_box(width, depth, 0.07, 0.015, steps=3), z=0.29))
    assembly.add_pair("wood", move(rounded_box(0.10, depth * 0.82, 0.29, 0.012), width * 0.36))
    return 0.36


def dress_top(assembly: Assembly, z: float, reach: float) -> None:
    """Two books and a bowl on a table top at height ``z``, within ``reach`` of its middle."""
    for i, (w, d, h, angle) in enumerate([(0.26, 0.19, 0.028, 12), (0.22, 0.16, 0.024, 24)]):
        stack = turn(rounded_box(w, d, h, 0.003), "z", angle)
        assembly.add(f"book:{i}", move(stack, -reach, 0.01, z + 0.028 * i))
    assembly.add("pot", move(bowl(0.105, 0.075), reach, -0.02, z))


def bowl(radius: float, height: float) -> Mesh:
    """An open bowl with a thin lip."""
    angle = np.linspace(0, np.pi / 2, 10)
    outside = [
        (0.035 + (radius - 0.035) * float(np.sin(a)), height * (1 - float(np.cos(a))))
        for a in angle
    ]
    inside = [(r - 0.006, max(z, 0.008)) for r, z in reversed(outside)]
    return lathe([(0, 0), outside[0]], outside, [outside[-1], inside[0]], [*inside, (0, 0.008)])


def side_table(look: Look) -> Piece:
    """A small table 0.45-0.5 m wide and 0.55 m high for beside a seat."""
    assembly = Assembly(look)
    form = look.form("side_table")
    if form == "drum":
        profile = [
            (0.20, 0.0),
            (0.20, 0.02),
            (0.115, 0.20),
            (0.105, 0.27),
            (0.115, 0.34),
            (0.20, 0.52),
        ]
        z = np.linspace(0.02, 0.52, 24)
        radius, height = np.array(profile[1:]).T
        curve = [(float(np.interp(t, height, radius)), float(t)) for t in z]
        assembly.add("top", lathe(profile[:2], smooth(curve), sides=40))
        assembly.add("top", move(round_top(0.42, 0.025), z=0.52))
    elif form == "turned":
        assembly.add("wood", move(round_top(0.50, 0.028, 0.012), z=0.55))
        pedestal(assembly, "wood", 0.55, 0.20)
    else:
        assembly.add("wood" if form == "taper" else "top", move(round_top(0.45, 0.024), z=0.53))
        for angle in (90, 210, 330):
            leg = one_leg(form, 0.53, (0.04, 0.0))
            assembly.add("wood" if form == "taper" else "metal", turn(move(leg, 0.15), "z", angle))
    return assembly.piece("side_table")


def smooth(curve: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A lathe curve of even heights with its radii averaged over seven neighbours."""
    radius, height = np.array(curve).T
    soft = np.convolve(np.pad(radius, 3, mode="edge"), np.ones(7) / 7, mode="valid")
    return [(float(r), float(z)) for r, z in zip(soft, height, strict=True)]


def pedestal(assembly: Assembly, role: str, height: float, reach: float) -> None:
    """A turned column on three curved feet."""
    profile = [
        (0.0, 0.035), (0.12, 0.04), (0.2, 0.028), (0.32, 0.05), (0.42, 0.03), (0.7, 0.024),
        (0.9, 0.032), (1.0, 0.06),
    ]  # fmt: skip
    t = np.linspace(0.14, 1.0, 40)
    at, radius = np.array(profile).T
    scale = height / 0.55
    column = [(float(np.interp(v, at, radius)) * scale, float(v) * height) for v in t]
    assembly.add(role, lathe(smooth(column), sides=20))
    for angle in (90, 210, 330):
        foot = tube(
            [(0.02, 0, height * 0.30), (reach * 0.45, 0, height * 0.2), (reach * 0.8, 0, 0.05),
             (reach, 0, 0.02), (reach * 1.06, 0, 0.022)],
            [0.03 * scale, 0.026 * scale, 0.02, 0.02, 0.012], 10,
        )  # fmt: skip
        assembly.add(role, turn(foot, "z", angle))
