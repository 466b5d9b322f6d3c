"""Walls and ceiling of a synthetic room: paint, boards, rails, sockets, spots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .box import Box, Face, Floats, Patch
from .colour import ACCENT_PAINTS, TRIM_PAINTS, WALL_PAINTS, linear, pick
from .fixture import Fixture, paint_fixture
from .noise import Noise, band, fade, inside, mix


@dataclass(frozen=True, slots=True)
class Walls:
    """Paints (linear RGB) by face, and the trim; lengths in metres, 0 for none."""

    paints: dict[Face, Floats]
    trim: Floats
    base_m: float
    crown_m: float
    rail_m: float
    stripes_m: float
    sockets: tuple[tuple[Face, float, float], ...]
    spots: tuple[tuple[float, float], ...]
    vent: tuple[float, float] | None


def draw_walls(rng: np.random.Generator, box: Box) -> Walls:
    """Choose paints and trim: mostly pale walls, now and then an accent wall."""
    main = pick(rng, WALL_PAINTS)
    faces: tuple[Face, ...] = ("left", "right", "near", "far")
    paints: dict[Face, Floats] = dict.fromkeys(faces, main)
    if rng.random() < 0.15:
        paints[("left", "right", "far")[rng.integers(3)]] = pick(rng, ACCENT_PAINTS)
    paints["ceiling"] = linear("f6f6f4") if rng.random() < 0.85 else main
    return Walls(
        paints=paints,
        trim=main if rng.random() < 0.1 else pick(rng, TRIM_PAINTS),
        base_m=float(rng.uniform(0.05, 0.18)) if rng.random() < 0.9 else 0.0,
        crown_m=float(rng.uniform(0.04, 0.12)) if rng.random() < 0.25 else 0.0,
        rail_m=float(rng.uniform(0.8, 1.1)) if rng.random() < 0.07 else 0.0,
        stripes_m=float(rng.uniform(0.08, 0.3)) if rng.random() < 0.05 else 0.0,
        sockets=_sockets(rng, box),
        spots=_spots(rng, box),
        vent=(float(rng.uniform(0, 1)), float(rng.uniform(0.3, 1)))
        if rng.random() < 0.25
        else None,
    )


def _sockets(rng: np.random.Generator, box: Box) -> tuple[tuple[Face, float, float], ...]:
    faces: tuple[Face, ...] = ("left", "right", "far")
    return tuple(
        (face, float(rng.uniform(*box.extent(face)[:2])), float(rng.choice((0.3, 1.1))))
        for face in faces
        for _ in range(int(rng.integers(0, 3)))
    )


def _spots(rng: np.random.Generator, box: Box) -> tuple[tuple[float, float], ...]:
    if rng.random() < 0.5:
        return ()
    left, right, near, far = box.extent("ceiling")
    columns, rows = rng.integers(1, 4, 2)
    xs = left + (np.arange(columns) + 0.5) / columns * (right - left)
    ys = near + (np.arange(rows) + 0.5) / rows * (far - near)
    return tuple((float(x), float(y)) for x in xs for y in ys)


def wall_colours(
    walls: Walls, fixtures: tuple[Fixture, ...], box: Box, patch: Patch, noise: Noise
) -> tuple[Floats, Floats]:
    """Linear albedo and glow (n, 3) of a wall's samples."""
    uneven = 1 + 0.012 * noise.smooth(patch.u, patch.v, 0.8, 0.8)
    uneven += 0.012 * noise.smooth(patch.u, patch.v, 0.02, 0.02) * fade(0.02, patch.size_u)
    albedo = (walls.paints[patch.face] * uneven[:, None]).astype(np.float32)
    if walls.stripes_m:
        odd = np.mod(np.floor(patch.u / walls.stripes_m), 2) * fade(walls.stripes_m, patch.size_u)
        albedo *= (1 - 0.12 * odd)[:, None]
    albedo = _trim(walls, box, patch, albedo)
    for face, at, height in walls.sockets:
        if face == patch.face:
            albedo = _socket(albedo, patch, at, height)
    glow = np.zeros_like(albedo)
    for fixture in fixtures:
        if fixture.opening.side == patch.face:
            paint_fixture(fixture, patch, noise, albedo, glow)
    return albedo, glow


def _trim(walls: Walls, box: Box, patch: Patch, albedo: Floats) -> Floats:
    if walls.rail_m:
        albedo = mix(albedo, walls.trim, inside(patch.v, -1, walls.rail_m, patch.size_v))
        albedo *= (1 - 0.35 * band(np.abs(patch.v - walls.rail_m), 0.012, patch.size_v))[:, None]
    if walls.crown_m:
        down = box.ceiling_m - patch.v
        albedo = mix(albedo, walls.trim, inside(down, -1, walls.crown_m, patch.size_v))
        step = band(np.abs(down - walls.crown_m * 0.6), 0.006, patch.size_v)
        albedo *= (1 - 0.2 * step)[:, None]
    if walls.base_m:
        albedo = mix(albedo, walls.trim, inside(patch.v, -1, walls.base_m, patch.size_v))
        lip = band(np.abs(patch.v - walls.base_m), 0.005, patch.size_v)
        gap = band(np.abs(patch.v), 0.006, patch.size_v)
        albedo *= (1 - 0.3 * lip - 0.5 * gap)[:, None]
    return albedo


def _socket(albedo: Floats, patch: Patch, at: float, height: float) -> Floats:
    du, dv = np.abs(patch.u - at), np.abs(patch.v - height)
    plate = band(du, 0.04, patch.size_u) * band(dv, 0.06, patch.size_v)
    rim = plate - band(du, 0.035, patch.size_u) * band(dv, 0.055, patch.size_v)
    holes = band(du, 0.008, patch.size_u) * band(np.abs(dv - 0.022), 0.008, patch.size_v)
    albedo = mix(albedo, linear("f2f1ee"), plate)
    return albedo * (1 - 0.25 * np.clip(rim, 0, 1) - 0.6 * holes)[:, None]


def ceiling_colours(walls: Walls, box: Box, patch: Patch, noise: Noise) -> tuple[Floats, Floats]:
    """Linear albedo and glow (n, 3) of the ceiling's samples."""
    uneven = 1 + 0.012 * noise.smooth(patch.u, patch.v, 0.9, 0.9)
    albedo = (walls.paints["ceiling"] * uneven[:, None]).astype(np.float32)
    glow = np.zeros_like(albedo)
    for x, y in walls.spots:
        away = np.hypot(patch.u - x, patch.v - y)
        albedo *= (1 - 0.25 * band(np.abs(away - 0.05), 0.006, patch.size_u))[:, None]
        glow += band(away, 0.042, np.maximum(patch.size_u, patch.size_v))[:, None] * 2.5
    if walls.vent:
        albedo *= (1 - _vent(walls.vent, box, patch))[:, None]
    return albedo, glow


def _vent(at: tuple[float, float], box: Box, patch: Patch) -> Floats:
    left, right, near, far = box.extent("ceiling")
    du = np.abs(patch.u - left - at[0] * (right - left))
    dv = patch.v - near - at[1] * (far - near)
    plate = band(du, 0.18, patch.size_u) * band(np.abs(dv), 0.09, patch.size_v)
    slats: Floats = np.sign(np.mod(dv / 0.02, 1) - 0.5) * fade(0.01, patch.size_v)
    return plate * (0.2 + 0.15 * slats)
