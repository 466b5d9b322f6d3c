"""The four kinds of floor of a synthetic room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .box import Floats, Patch
from .colour import FLOOR_PAINTS, pick
from .noise import Noise, band, fade

FloorKind = Literal["boards", "tiles", "carpet", "concrete"]
FLOOR_KINDS: tuple[FloorKind, ...] = ("boards", "tiles", "carpet", "concrete")


@dataclass(frozen=True, slots=True)
class Floor:
    """A floor covering; lengths in metres, ``angle`` in radians from the x axis, ``gloss`` 0..1."""

    kind: FloorKind
    albedo: Floats
    angle: float
    unit_m: tuple[float, float]
    joint_m: float
    joint_shade: float
    contrast: float
    gloss: float
    roughness: float
    checkered: bool
    bond: float


@dataclass(frozen=True, slots=True)
class Laid:
    """Samples in the floor's own directions: metres, and the extent of a sample in metres."""

    along: Floats
    across: Floats
    size_along: Floats
    size_across: Floats


def draw_floor(rng: np.random.Generator) -> Floor:
    """Choose a floor: mostly laid along a wall, now and then diagonally."""
    kind = FLOOR_KINDS[rng.integers(len(FLOOR_KINDS))]
    angles = (0.0, np.pi / 2, np.pi / 4, rng.uniform(0, np.pi))
    unit = {
        "boards": (rng.uniform(0.8, 2.4), rng.uniform(0.06, 0.22)),
        "tiles": (rng.uniform(0.2, 0.9),) * 2,
        "carpet": (1.0, rng.uniform(0.2, 0.5)),
        "concrete": (rng.uniform(1.5, 4.0),) * 2,
    }[kind]
    if kind == "tiles" and rng.random() < 0.35:
        unit = (unit[0] * 2, unit[1])
    glossy = {"boards": 0.55, "tiles": 0.65, "carpet": 0.0, "concrete": 0.3}[kind]
    return Floor(
        kind=kind,
        albedo=pick(rng, FLOOR_PAINTS[kind]),
        angle=float(angles[rng.choice(4, p=(0.44, 0.44, 0.08, 0.04))]),
        unit_m=(float(unit[0]), float(unit[1])),
        joint_m=float(rng.uniform(0.001, 0.003) if kind == "boards" else rng.uniform(0.002, 0.008)),
        joint_shade=float(rng.uniform(0.25, 0.7) if rng.random() < 0.75 else rng.uniform(1.2, 1.6)),
        contrast=float(rng.uniform(0.3, 1.3)),
        gloss=float(rng.uniform(0.3, 1.0)) if rng.random() < glossy else 0.0,
        roughness=float(rng.uniform(0.003, 0.05)),
        checkered=bool(rng.random() < 0.12),
        bond=float(rng.choice((0.0, 0.5, 1 / 3))),
    )


def floor_albedo(floor: Floor, patch: Patch, noise: Noise) -> Floats:
    """Linear colours (n, 3) of the floor's samples."""
    cos, sin = np.float32(np.cos(floor.angle)), np.float32(np.sin(floor.angle))
    laid = Laid(
        along=patch.u * cos + patch.v * sin,
        across=patch.v * cos - patch.u * sin,
        size_along=np.hypot(patch.size_u * cos, patch.size_v * sin),
        size_across=np.hypot(patch.size_u * sin, patch.size_v * cos),
    )
    paint: dict[FloorKind, Callable[[Floor, Noise, Laid], Floats]] = {
        "boards": _boards,
        "tiles": _tiles,
        "carpet": _carpet,
        "concrete": _concrete,
    }
    tone = paint[floor.kind](floor, noise, laid)
    return np.clip(floor.albedo * tone[:, None], 0.005, 0.9)


def _boards(floor: Floor, noise: Noise, at: Laid) -> Floats:
    length, width = floor.unit_m
    row = np.floor(at.across / width)
    shifted = at.along / length + noise.cell(row, row, salt=1)
    plank = np.floor(shifted)
    tone = 1 + floor.contrast * 0.22 * (noise.cell(row, plank) - 0.5) * fade(width, at.size_across)
    grain = noise.smooth(at.along + plank * 7 + row * 3, at.across, 0.5, 0.012)
    tone += floor.contrast * 0.06 * grain * fade(0.012, at.size_across)
    knots = noise.smooth(at.along + row * 11, at.across + plank, 0.3, 0.05)
    tone += floor.contrast * 0.05 * knots * fade(0.05, at.size_across)
    joint = _joints(at, at.across / width, shifted, floor.unit_m, floor.joint_m)
    return tone * (1 + (min(floor.joint_shade, 1.0) - 1) * joint)


def _tiles(floor: Floor, noise: Noise, at: Laid) -> Floats:
    length, width = floor.unit_m
    row = np.floor(at.across / width)
    shifted = at.along / length + row * floor.bond
    column = np.floor(shifted)
    tone = 1 + floor.contrast * 0.08 * (noise.cell(row, column) - 0.5) * fade(width, at.size_across)
    veins = noise.smooth(at.along + column * 5, at.across + row * 3, 0.15, 0.1)
    tone += floor.contrast * 0.05 * veins
    if floor.checkered:
        tone *= 1 - 0.6 * np.mod(row + column, 2) * fade(width, at.size_across)
    joint = _joints(at, at.across / width, shifted, floor.unit_m, floor.joint_m)
    return tone * (1 + (floor.joint_shade - 1) * joint)


def _carpet(floor: Floor, noise: Noise, at: Laid) -> Floats:
    pile = 0.14 * noise.smooth(at.along, at.across, 0.012, 0.012) * fade(0.006, at.size_across)
    tufts = 0.06 * noise.smooth(at.along, at.across, 0.05, 0.05) * fade(0.04, at.size_across)
    worn = 0.03 * noise.smooth(at.along, at.across, 0.6, 0.6)
    lanes = np.sign(np.mod(at.across / floor.unit_m[1], 2) - 1)
    vacuumed = 0.02 * lanes if floor.checkered else np.float32(0)
    return 1 + floor.contrast * (pile + tufts + worn + vacuumed)


def _concrete(floor: Floor, noise: Noise, at: Laid) -> Floats:
    clouds = 0.06 * noise.smooth(at.along, at.across, 0.9, 0.9)
    clouds += 0.04 * noise.smooth(at.across, at.along, 0.2, 0.3)
    grit = 0.03 * noise.smooth(at.along, at.across, 0.01, 0.01) * fade(0.01, at.size_across)
    tone = 1 + floor.contrast * (clouds + grit)
    if floor.checkered or floor.contrast < 0.8:
        return tone
    length, width = floor.unit_m
    return tone * (1 - 0.4 * _joints(at, at.across / width, at.along / length, floor.unit_m, 0.006))


def _joints(
    at: Laid, rows: Floats, columns: Floats, unit_m: tuple[float, float], joint_m: float
) -> Floats:
    """Share of each sample that joints at whole numbers of rows and columns cover."""
    seam = np.abs(rows - np.rint(rows)) * unit_m[1]
    butt = np.abs(columns - np.rint(columns)) * unit_m[0]
    return np.maximum(
        band(seam, joint_m / 2, at.size_across), band(butt, joint_m / 2, at.size_along)
    )
