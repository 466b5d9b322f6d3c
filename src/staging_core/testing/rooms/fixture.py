"""How doors, windows and fireplaces of synthetic rooms look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from staging_core.backends.render.room import Opening

from .box import Floats, Patch
from .leaf import Doorway, Fireplace, Hole, Leaf, Panes, draw_door, draw_panes
from .noise import Noise, band, inside, mix


@dataclass(frozen=True, slots=True)
class Fixture:
    """An opening with its looks; lengths in metres.

    ``trim``: paint of the casing around it, ``trim_m`` wide; ``depth_m``: how far back its leaf is.
    """

    opening: Opening
    leaf: Leaf
    trim: Floats
    trim_m: float
    depth_m: float
    hinge_at_start: bool

    @property
    def panes(self) -> Panes | None:
        """The panes through which daylight comes in freely, if any."""
        return self.leaf if isinstance(self.leaf, Panes) and not self.leaf.blinds else None

    @property
    def swings(self) -> bool:
        """Whether a leaf opens into the room."""
        return self.opening.kind == "door" and not isinstance(self.leaf, Doorway | Panes)


def draw_fixture(rng: np.random.Generator, opening: Opening, trim: Floats) -> Fixture:
    """Choose the looks of an opening."""
    leaf, hinge_at_start = _draw_leaf(rng, opening), bool(rng.random() < 0.5)
    window = isinstance(leaf, Panes)
    return Fixture(
        opening=opening,
        leaf=leaf,
        trim=trim,
        trim_m=float(rng.uniform(0.05, 0.12)) if rng.random() < (0.6 if window else 0.9) else 0.0,
        depth_m=float(rng.uniform(0.03, 0.22) if window else rng.uniform(0.0, 0.08)),
        hinge_at_start=hinge_at_start,
    )


def _draw_leaf(rng: np.random.Generator, opening: Opening) -> Leaf:
    wide = opening.end_m - opening.start_m
    if opening.kind == "fireplace":
        return Fireplace()
    if opening.kind == "window":
        return draw_panes(rng, wide, blinds=rng.random() < 0.15)
    open_share = 0.25 if wide < 1.2 else 0.5
    if rng.random() < open_share:
        return Doorway(light=float(rng.uniform(0.5, 1.1)))
    return draw_door(rng) if wide < 1.2 else draw_panes(rng, wide, blinds=False)


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
    """What is seen through the hole in the wall: its reveal, then what closes it."""
    opening, depth = fixture.opening, fixture.depth_m
    hole = Hole(
        x=part.u + part.du * depth - opening.start_m,
        y=part.v + part.dv * depth - opening.bottom_m,
        size_u=part.size_u,
        size_v=part.size_v,
        wide_m=opening.end_m - opening.start_m,
        high_m=opening.top_m - opening.bottom_m,
    )
    albedo, glow = fixture.leaf.paint(hole, part, noise)
    sides = (hole.x < 0) | (hole.x > hole.wide_m)
    sill, head = hole.y < 0, hole.y > hole.high_m
    reveal = (sides | sill | head)[:, None]
    shade = np.select([sill, head], [np.float32(1.0), np.float32(0.6)], np.float32(0.75))[:, None]
    side = fixture.trim * shade
    return np.where(reveal, side, albedo), np.where(reveal, side * fixture.leaf.spill, glow)
