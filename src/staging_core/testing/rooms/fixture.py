"""How doors, windows and fireplaces of synthetic rooms look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from staging_core.backends.render.room import Opening

from .box import Floats, Patch
from .colour import DOOR_PAINTS, FRAME_PAINTS, linear, pick
from .noise import Noise, band, fade, inside, mix

Leaf = Literal["panels", "flush", "open", "panes", "hearth"]


@dataclass(frozen=True, slots=True)
class Fixture:
    """An opening with its looks; lengths in metres, ``glow`` in units of a well-lit white wall."""

    opening: Opening
    leaf: Leaf
    paint: Floats
    trim: Floats
    trim_m: float
    depth_m: float
    columns: int
    rows: int
    bar_m: float
    blinds: bool
    glow: float
    hinge_at_start: bool


def draw_fixture(rng: np.random.Generator, opening: Opening, trim: Floats) -> Fixture:
    """Choose the looks of an opening."""
    wide = opening.end_m - opening.start_m
    leaf: Leaf = "panes"
    if opening.kind == "fireplace":
        leaf = "hearth"
    elif opening.kind == "door" and (wide < 1.2 or rng.random() < 0.4):
        leaf = ("panels", "flush", "open")[rng.choice(3, p=(0.5, 0.25, 0.25))]
    window = leaf == "panes"
    return Fixture(
        opening=opening,
        leaf=leaf,
        paint=pick(rng, FRAME_PAINTS if window else DOOR_PAINTS),
        trim=trim,
        trim_m=float(rng.uniform(0.05, 0.12)) if rng.random() < (0.6 if window else 0.9) else 0.0,
        depth_m=float(rng.uniform(0.03, 0.22) if window else rng.uniform(0.0, 0.08)),
        columns=int(rng.integers(1, 3 + round(wide))),
        rows=int(rng.integers(1, 4)),
        bar_m=float(rng.uniform(0.02, 0.06)),
        blinds=bool(window and opening.kind == "window" and rng.random() < 0.15),
        glow=float(rng.uniform(0.9, 3.0)),
        hinge_at_start=bool(rng.random() < 0.5),
    )


def paint_fixture(
    fixture: Fixture, patch: Patch, noise: Noise, albedo: Floats, glow: Floats
) -> None:
    """Draw a fixture into the wall's ``albedo`` and ``glow`` (n, 3), in place."""
    opening, trim = fixture.opening, fixture.trim_m
    frame = (
        (patch.u > opening.start_m - trim - 0.03)
        & (patch.u < opening.end_m + trim + 0.03)
        & (patch.v > opening.bottom_m - trim - 0.03)
        & (patch.v < opening.top_m + trim + 0.03)
    )
    near = np.flatnonzero(frame)
    if not near.size:
        return
    part = patch.part(frame)
    colour = _casing(fixture, part, albedo[near])
    light = np.zeros_like(colour)
    hole = (
        (part.u > opening.start_m)
        & (part.u < opening.end_m)
        & (part.v > opening.bottom_m)
        & (part.v < opening.top_m)
    )
    if hole.any():
        colour[hole], light[hole] = _recess(fixture, part.part(hole), noise)
    albedo[near], glow[near] = colour, light


def _casing(fixture: Fixture, part: Patch, albedo: Floats) -> Floats:
    opening, trim = fixture.opening, fixture.trim_m
    if not trim:
        return albedo
    low = opening.bottom_m - trim if opening.bottom_m > 0.02 else -1.0
    cover = inside(part.u, opening.start_m - trim, opening.end_m + trim, part.size_u) * inside(
        part.v, low, opening.top_m + trim, part.size_v
    )
    du = np.maximum(opening.start_m - part.u, part.u - opening.end_m)
    dv = np.maximum(opening.bottom_m - part.v, part.v - opening.top_m)
    rim = np.maximum(du, dv)
    groove = band(np.abs(rim - trim), 0.004, part.size_u) + band(np.abs(rim), 0.005, part.size_u)
    return mix(albedo, fixture.trim, cover) * (1 - 0.3 * np.clip(groove, 0, 1))[:, None]


def _recess(fixture: Fixture, part: Patch, noise: Noise) -> tuple[Floats, Floats]:
    """What is seen through the hole in the wall: its reveal, then the leaf, the panes or the hall."""
    opening, depth = fixture.opening, fixture.depth_m
    u, v = part.u + part.du * depth, part.v + part.dv * depth
    sides = (u < opening.start_m) | (u > opening.end_m)
    sill, head = v < opening.bottom_m, v > opening.top_m
    leaf = {"panes": _panes, "open": _hall, "hearth": _hearth}.get(fixture.leaf, _door)
    albedo, glow = leaf(fixture, part, u, v, noise)
    reveal = sides | sill | head
    shade = np.select([sill, head], [np.float32(1.0), np.float32(0.6)], np.float32(0.75))[:, None]
    lit = np.float32(0.25 * fixture.glow if fixture.leaf == "panes" else 0.0)
    albedo = np.where(reveal[:, None], fixture.trim * shade, albedo)
    return albedo, np.where(reveal[:, None], fixture.trim * shade * lit, glow)


def _panes(
    fixture: Fixture, part: Patch, u: Floats, v: Floats, noise: Noise
) -> tuple[Floats, Floats]:
    opening, bar = fixture.opening, fixture.bar_m
    x = (u - opening.start_m) / (opening.end_m - opening.start_m)
    y = (v - opening.bottom_m) / (opening.top_m - opening.bottom_m)
    wide, high = opening.end_m - opening.start_m, opening.top_m - opening.bottom_m
    to_bar_u = np.abs(x * fixture.columns - np.rint(x * fixture.columns)) / fixture.columns * wide
    to_bar_v = np.abs(y * fixture.rows - np.rint(y * fixture.rows)) / fixture.rows * high
    edge_u, edge_v = np.minimum(x, 1 - x) * wide, np.minimum(y, 1 - y) * high
    bars = np.maximum(band(to_bar_u, bar / 2, part.size_u), band(to_bar_v, bar / 2, part.size_v))
    bars = np.maximum(bars, band(edge_u, bar * 1.4, part.size_u))
    bars = np.maximum(bars, band(edge_v, bar * 1.4, part.size_v))
    if fixture.blinds:
        slats = 0.55 + 0.35 * np.sign(np.mod(v / 0.05, 1) - 0.35) * fade(0.025, part.size_v)
        bars = np.maximum(bars, np.float32(slats))
    frame = np.broadcast_to(fixture.paint, (u.size, 3))
    glow = _outdoors(part, noise) * fixture.glow * (1 - bars)[:, None]
    return frame * bars[:, None], glow + frame * (0.12 * fixture.glow * bars)[:, None]


def _outdoors(part: Patch, noise: Noise) -> Floats:
    """A washed-out view: sky over greenery, by the direction of the ray."""
    slope = part.dv + 0.05 * noise.smooth(part.du, part.du, 0.2, 0.2)
    leaves = 0.5 + 0.12 * noise.smooth(part.du, part.dv, 0.08, 0.08)
    green = np.array([0.55, 0.62, 0.45], np.float32) * leaves[:, None]
    sky = np.broadcast_to(np.array([0.86, 0.94, 1.0], np.float32), green.shape)
    return mix(green, sky, np.clip((slope - 0.02) / 0.06, 0, 1))


def _door(
    fixture: Fixture, part: Patch, u: Floats, v: Floats, noise: Noise
) -> tuple[Floats, Floats]:
    opening = fixture.opening
    wide, high = opening.end_m - opening.start_m, opening.top_m - opening.bottom_m
    tone = 1 + 0.03 * noise.smooth(u, v, 0.02, 0.6)
    gap = np.minimum(np.minimum(u - opening.start_m, opening.end_m - u), opening.top_m - v)
    tone *= 1 - 0.6 * band(np.abs(gap), 0.006, part.size_u)
    if fixture.leaf == "panels":
        columns, rows = (1 if wide < 0.8 else min(fixture.columns, 2)), fixture.rows + 1
        tone *= _panels((u - opening.start_m) / wide, v / high, columns, rows, wide, high, part)
    colour = fixture.paint * tone[:, None]
    handle_u = opening.end_m - 0.07 if fixture.hinge_at_start else opening.start_m + 0.07
    lever = band(np.abs(v - 1.02), 0.014, part.size_v) * band(
        np.abs(u - handle_u), 0.06, part.size_u
    )
    plate = band(np.hypot(u - handle_u, (v - 1.02) * 0.6), 0.028, part.size_u)
    colour = mix(colour, linear("8f8c86"), np.maximum(lever, plate))
    return colour, np.zeros_like(colour)


def _panels(
    x: Floats, y: Floats, columns: int, rows: int, wide: float, high: float, part: Patch
) -> Floats:
    """Shade of recessed panels: dark under their upper and light on their lower edges."""
    inset_u = (0.5 - np.abs(np.mod(x * columns, 1) - 0.5)) / columns * wide - 0.09 / columns
    inset_v = (0.5 - np.abs(np.mod(y * rows, 1) - 0.5)) / rows * high - 0.07
    rim = np.minimum(inset_u, inset_v)
    upper = np.mod(y * rows, 1) > 0.5
    line = band(np.abs(rim), 0.008, part.size_u)
    return 1 + line * np.where(upper, np.float32(-0.28), np.float32(0.05)) - 0.03 * (rim > 0)


def _hall(
    fixture: Fixture, part: Patch, u: Floats, v: Floats, noise: Noise
) -> tuple[Floats, Floats]:
    """An open doorway: a plain hall 1.6 m deep whose floor, wall and ceiling the ray meets."""
    height = part.v + part.dv * 1.6
    wall = fixture.trim * 0.45 * (1 + 0.02 * noise.smooth(u, v, 0.5, 0.5))[:, None]
    floor = linear("8a6b4c") * np.float32(0.45) * np.ones_like(wall)
    light = np.where((height < 0)[:, None], floor, wall)
    light = np.where((height > 2.4)[:, None], fixture.trim * np.float32(0.55), light)
    return np.zeros_like(light), light * np.float32(0.4 + 0.2 * fixture.glow)


def _hearth(
    fixture: Fixture, part: Patch, u: Floats, v: Floats, noise: Noise
) -> tuple[Floats, Floats]:
    opening = fixture.opening
    row = np.floor(v / 0.075)
    shifted = u / 0.22 + 0.5 * np.mod(row, 2)
    tone = 0.75 + 0.4 * noise.cell(row, np.floor(shifted))
    mortar = np.maximum(
        band(np.abs(v / 0.075 - np.rint(v / 0.075)) * 0.075, 0.005, part.size_v),
        band(np.abs(shifted - np.rint(shifted)) * 0.22, 0.005, part.size_u),
    )
    brick = mix(linear("8c4a36") * tone[:, None], linear("b8b0a6"), mortar)
    margin = 0.22 * (opening.end_m - opening.start_m)
    dark = inside(u, opening.start_m + margin, opening.end_m - margin, part.size_u)
    dark = dark * inside(v, 0.05, opening.top_m * 0.68, part.size_v)
    colour = mix(brick, linear("1a1817"), dark)
    return colour, np.zeros_like(colour)
