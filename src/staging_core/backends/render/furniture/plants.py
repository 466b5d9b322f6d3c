"""Plants: many small bent leaves on stems, in a pot."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from staging_core.backends.render.mesh import Mesh, Piece

from .assembly import Assembly
from .shapes import lathe, sheet, tube
from .style import Look
from .transform import Points, merge, move, turn

POT_M = 0.30
_GOLDEN_DEG = 137.5


@lru_cache(maxsize=128)
def leaf(length: float, width: float, droop: float, waist: float = 0.45, lobes: int = 0) -> Mesh:
    """A leaf from the origin along +x, bent down by ``droop`` (0..1) and folded along its midrib.

    ``waist``: where along it the leaf is widest; ``lobes``: notches of a monstera.
    """

    def surface(u: Points, v: Points) -> Points:
        t, side = np.clip(u, 0, 1), 2 * v - 1
        rise = np.clip(t / waist, 0, 1)
        fall = np.clip((1 - t) / (1 - waist), 0, 1)
        wide = np.sin(rise * np.pi / 2) ** 0.8 * np.sin(fall * np.pi / 2) ** 0.9
        if lobes:
            wide = wide * (1 - 0.30 * (0.5 + 0.5 * np.cos(2 * np.pi * lobes * t)) * np.abs(side))
        bend = droop * t**1.6
        x = length * t * (1 - 0.25 * bend)
        z = -length * 0.6 * bend + 0.18 * width * side**2 * wide + length * 0.10 * np.sin(np.pi * t)
        return np.stack([x + (u - t) * length, side * width / 2 * wide, z], axis=-1)

    return sheet(surface, (24 if lobes else 10) if width > 0.03 else 5, 4 if width > 0.03 else 2)


def sprig(stems: int, length: float, seed: int) -> Mesh:
    """Stems with small leaves fanning out of the origin, for a vase."""
    random = np.random.default_rng(seed)
    meshes = []
    for i in range(stems):
        round_deg = 360 * i / stems + random.uniform(-20, 20)
        lean = random.uniform(10, 32)
        tall = length * random.uniform(0.75, 1.0)
        stem = tube([(0, 0, -0.05), (0, 0, tall)], 0.0025, 5)
        leaves = [
            move(turn(turn(leaf(0.085, 0.04, 0.5), "y", -30), "z", _GOLDEN_DEG * k), z=tall * at)
            for k, at in enumerate(np.linspace(0.3, 1.0, 7))
        ]
        meshes.append(turn(turn(merge(stem, *leaves), "y", lean), "z", round_deg))
    return merge(*meshes)


def plant(look: Look, height_m: float = 1.5) -> Piece:
    """A potted plant ``height_m`` high, about a third of that wide."""
    assembly = Assembly(look)
    form = look.form("plant")
    size = min(POT_M, 0.2 * height_m)
    top = pot(assembly, size)
    _PLANTS[form](assembly, height_m, top)
    return assembly.piece("plant")


def pot(assembly: Assembly, size: float) -> float:
    """A pot of diameter ``size`` with earth; returns the earth's height."""
    r, high = size / 2, size * 0.95
    wall = [(r * (0.74 + 0.26 * t**0.7), high * t) for t in np.linspace(0, 1, 10)]
    inner = [(r * 0.90, high), (r * 0.88, high * 0.88)]
    outside = [(float(a), float(b)) for a, b in wall]
    assembly.add("pot", lathe([(0, 0), outside[0]], outside, [outside[-1], inner[0]], inner))
    assembly.add("soil", lathe([(r * 0.89, high * 0.9), (0, high * 0.9)]))
    return high * 0.9


def _fiddle(assembly: Assembly, height: float, earth: float) -> None:
    random = np.random.default_rng(5)
    for k in range(3):
        lean = 0.05 + 0.03 * k
        angle = 2.1 * k
        foot = (0.03 * float(np.cos(angle)), 0.03 * float(np.sin(angle)), earth - 0.02)
        tall = height * (0.93 - 0.14 * k)
        head = (lean * float(np.cos(angle)) * 2, lean * float(np.sin(angle)) * 2, tall)
        assembly.add("wood", tube([foot, head], [0.013, 0.007], 8))
        count = 16 - 2 * k
        for i in range(count):
            t = 0.42 + 0.58 * (i + 1) / count
            at = [foot[j] + (head[j] - foot[j]) * t for j in range(3)]
            blade = leaf(0.27 * random.uniform(0.75, 1.05), 0.165, 0.55, 0.62)
            up = 15 + 50 * (t - 0.4) + random.uniform(-12, 12)
            turned = turn(
                turn(turn(blade, "x", random.uniform(-22, 22)), "y", -up),
                "z",
                _GOLDEN_DEG * i + 70 * k,
            )
            assembly.add("leaf", move(turned, at[0], at[1], at[2] - 0.06))


def _rubber(assembly: Assembly, height: float, earth: float) -> None:
    trunk = [(0, 0, earth - 0.02), (0.02, 0.01, height * 0.6), (0, 0, height * 0.95)]
    assembly.add("wood", tube(trunk, [0.014, 0.011, 0.005], 8))
    random = np.random.default_rng(2)
    blades = [leaf(0.26 * k, 0.125 * k, 0.5 * d, 0.5) for k, d in ((1, 1), (0.85, 0.7), (0.7, 1.3))]
    heights = np.linspace(earth + 0.08, height * 0.93, 40)
    for i, z in enumerate(heights):
        share = i / (len(heights) - 1)
        up = 15 + 50 * share + random.uniform(-9, 9)
        blade = turn(turn(blades[i % 3], "x", random.uniform(-25, 25)), "y", -up)
        out = 0.05 * random.uniform(0.6, 1.0) * (1 - 0.5 * share)
        turned = turn(move(blade, out), "z", _GOLDEN_DEG * i + random.uniform(-15, 15))
        assembly.add("leaf", move(turned, z=float(z)))


def _palm(assembly: Assembly, height: float, earth: float) -> None:
    random = np.random.default_rng(9)
    for i in range(13):
        angle = _GOLDEN_DEG * i
        tall = height * random.uniform(0.62, 0.98)
        reach = 0.15 + 0.10 * (i % 4) / 3
        t = np.linspace(0, 1, 9)
        bend = reach * t**2.2
        frond = [
            (float(b), 0.0, float(earth + (tall - earth) * (v - 0.12 * v**4)))
            for b, v in zip(bend, t, strict=True)
        ]
        parts = [tube(frond, [0.006 - 0.0005 * k for k in range(9)], 6)]
        for k in range(14):
            v = 0.40 + 0.60 * k / 13
            x, z = np.interp(v, t, bend), np.interp(v, t, [p[2] for p in frond])
            blade = leaf(round(0.24 * (1 - 0.55 * abs(v - 0.68) / 0.32), 2), 0.022, 0.6, 0.4)
            for side in (-1, 1):
                fan = turn(turn(blade, "y", -28), "z", side * (66 - 40 * (v - 0.4)))
                parts.append(move(fan, float(x), 0, float(z)))
        assembly.add("leaf", turn(merge(*parts), "z", angle))


def _snake(assembly: Assembly, height: float, earth: float) -> None:
    random = np.random.default_rng(4)
    tall = min(height, 1.0) - earth
    for i in range(17):
        long = tall * random.uniform(0.55, 1.0)
        blade = turn(leaf(long, 0.062, 0.03, 0.45), "y", -90)
        spread = 0.085 * np.sqrt((i + 0.5) / 17)
        angle = _GOLDEN_DEG * i
        leaned = turn(turn(blade, "z", random.uniform(0, 180)), "y", 3 + 90 * spread)
        assembly.add("leaf", turn(move(leaned, float(spread), 0, earth - 0.01), "z", angle))


def _olive(assembly: Assembly, height: float, earth: float) -> None:
    random = np.random.default_rng(12)
    fork = earth + (height - earth) * 0.42
    assembly.add(
        "wood",
        tube(
            [(0, 0, earth - 0.02), (0.02, 0.0, fork * 0.7), (0, 0.01, fork)],
            [0.02, 0.016, 0.012],
            9,
        ),
    )
    for i in range(22):
        angle = _GOLDEN_DEG * i
        lean = random.uniform(0.06, 0.30)
        tall = random.uniform(0.55, 1.0) * (height - fork) * (1 - 0.5 * lean)
        head = np.array([lean, 0.0, tall])
        twig = [
            tube(
                [(0, 0, 0), (float(head[0]) * 0.4, 0, tall * 0.6), (lean, 0, tall)],
                [0.006, 0.004, 0.002],
                5,
            )
        ]
        for k in range(26):
            t = 0.15 + 0.85 * k / 25
            blade = turn(
                turn(leaf(0.085, 0.024, 0.2, 0.5), "y", random.uniform(-60, 25)),
                "z",
                _GOLDEN_DEG * k,
            )
            at = head * t
            twig.append(move(blade, float(at[0]), 0, float(at[2])))
        assembly.add("leaf", move(turn(merge(*twig), "z", angle), z=fork - 0.01))


def _monstera(assembly: Assembly, height: float, earth: float) -> None:
    random = np.random.default_rng(6)
    tall = min(height, 1.25)
    for i in range(22):
        up = earth + (tall - earth) * (0.35 + 0.62 * random.uniform(0, 1))
        reach = random.uniform(0.10, 0.24)
        stem = tube([(0, 0, earth - 0.01), (reach * 0.4, 0, up * 0.75), (reach, 0, up)], 0.006, 6)
        size = random.uniform(0.8, 1.05)
        blade = leaf(round(0.30 * size, 2), round(0.29 * size, 2), 0.7, 0.35, lobes=5)
        tilted = turn(turn(blade, "x", random.uniform(-15, 15)), "y", 10)
        assembly.add(
            "leaf", turn(merge(stem, move(tilted, reach - 0.01, 0, up)), "z", _GOLDEN_DEG * i)
        )


_PLANTS = {
    "fiddle": _fiddle,
    "monstera": _monstera,
    "olive": _olive,
    "palm": _palm,
    "rubber": _rubber,
    "snake": _snake,
}
