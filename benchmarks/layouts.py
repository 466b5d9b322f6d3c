"""What ``render:`` makes of empty rooms, from photo to furnished photo, held against the truth.

Fresh synthetic rooms; each accepted one is furnished as one of the room types in turn. Figures:
share of accepted rooms; of those, share with the main piece placed, and share of the layouts whose
every footprint lies on the true floor as the picture shows it; the least share of pixels left
untouched; the largest share that furniture and shadows changed. The subject is the share of sound
layouts.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.result import Result, peak_rss_mb
from staging_core.backends.render import geometry
from staging_core.backends.render.picture import render
from staging_core.backends.render.placement import PLANS, describe, furnish
from staging_core.backends.render.placement.layout import Layout
from staging_core.backends.render.room import Room
from staging_core.testing.rooms import SyntheticRoom, make_room

STYLES = ("modern", "scandinavian", "industrial", "traditional", "contemporary")
_EDGE_PX = 2


@dataclass(frozen=True, slots=True)
class Staged:
    """One furnished room: whether it stands on the true floor, and the share of pixels kept."""

    sound: bool
    untouched: float


def options(parser: argparse.ArgumentParser) -> None:
    """How many rooms, from which seed."""
    parser.add_argument("--n", type=int, default=100, help="empty rooms")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first room")


def run(chosen: argparse.Namespace) -> Result:
    """Furnish the rooms and hold the figures against what the first version promised."""
    started = time.process_time()
    accepted, staged = 0, []
    for k in range(chosen.n):
        truth = make_room(chosen.seed + k)
        room = geometry.understand(truth.picture)
        if isinstance(room, Room):
            accepted += 1
            staged += _staged(truth, room, k)
    figures = {
        "accepted": accepted / chosen.n,
        "main_placed": len(staged) / max(1, accepted),
        "on_true_floor": float(np.mean([one.sound for one in staged])) if staged else 0.0,
        "untouched_least": min((one.untouched for one in staged), default=0.0),
        "untouched_median": float(np.median([one.untouched for one in staged] or [0.0])),
    }
    asked = {"accepted": 0.8, "main_placed": 0.8, "on_true_floor": 0.95, "untouched_least": 0.6}
    return Result(
        name="layouts",
        unit="share",
        subject=figures["on_true_floor"],
        n=chosen.n,
        cpu_us=(time.process_time() - started) / chosen.n * 1e6,
        rss_mb=peak_rss_mb(),
        errors=[f"{name} is {figures[name]:.3g}" for name in asked if figures[name] < asked[name]],
        details=figures,
    )


def _staged(truth: SyntheticRoom, room: Room, k: int) -> list[Staged]:
    """The room furnished; nothing when the main piece found no place."""
    room_type = list(PLANS)[k % len(PLANS)]
    layout = furnish(room, room_type=room_type, style=STYLES[k % len(STYLES)], seed=k + 1)
    if not isinstance(layout, Layout):
        return []
    picture = render(truth.picture, room, layout.placed, seed=k + 1).picture
    untouched = float((picture == truth.picture).all(axis=2).mean())
    return [Staged(_on_floor(truth, room, layout), untouched)]


def _on_floor(truth: SyntheticRoom, room: Room, layout: Layout) -> bool:
    """Whether all that the picture shows of the footprints is true floor, but for its very edge."""
    near = cv2.dilate(truth.floor.astype(np.uint8), np.ones((2 * _EDGE_PX + 1,) * 2, np.uint8))
    stood = [piece for piece in describe(room, layout) if piece.stand in ("floor", "rug")]
    return all(not (_filled(piece.footprint_px, near.shape) & (near == 0)).any() for piece in stood)


def _filled(polygon: object, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(np.asarray(polygon, float)).astype(np.int32)], 1)
    return mask > 0
