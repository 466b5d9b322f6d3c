"""How well ``render:`` reads rooms: fresh synthetic rooms whose truth is known.

Figures: share of empty rooms accepted and of strewn rooms refused; pitch and yaw error in degrees
(yaw modulo 90); error of the floor's edge as a share of the picture's height (each room's 90th
percentile over its columns); ``beyond``: share of accepted rooms where floor that may be furnished
(bare, and clear of every wall by two deviations and four centimetres) lies outside the true floor;
CPU seconds for one photo. The subject is the median yaw error.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.result import Result, peak_rss_mb
from staging_core.backends.render import geometry
from staging_core.backends.render.geometry.polygon import floor_polygon
from staging_core.backends.render.room import Room
from staging_core.testing.rooms import SyntheticRoom, make_cluttered_room, make_room

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reading:
    """One accepted room against its truth; degrees, and shares 0..1."""

    pitch: float
    yaw: float
    edge: float
    beyond: float
    usable: float


def options(parser: argparse.ArgumentParser) -> None:
    """How many rooms, from which seed."""
    parser.add_argument("--n", type=int, default=100, help="empty rooms; a fifth as many strewn")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first room")


def run(chosen: argparse.Namespace) -> Result:
    """Measure and hold the figures against what the first version promised."""
    figures = measure(chosen.n, chosen.seed)
    gates = {
        "accepted": figures["accepted"] >= 0.80,
        "pitch_median_deg": figures["pitch_median_deg"] < 0.5,
        "yaw_median_deg": figures["yaw_median_deg"] < 0.5,
        "edge_p90": figures["edge_p90"] < 0.03,
        "beyond": figures["beyond"] <= 0.05,
    }
    return Result(
        name="rooms",
        unit="degrees",
        subject=figures["yaw_median_deg"],
        n=chosen.n,
        cpu_us=figures["cpu_s"] * 1e6,
        rss_mb=peak_rss_mb(),
        errors=[f"{name} is {figures[name]:.3g}" for name, held in gates.items() if not held],
        details=figures,
    )


def measure(n: int, seed: int) -> dict[str, Any]:
    """The figures over ``n`` empty rooms and a fifth as many strewn ones."""
    readings: list[Reading] = []
    spent: list[float] = []
    for room in (make_room(seed + k) for k in range(n)):
        started = time.process_time()
        found = geometry.understand(room.picture)
        spent.append(time.process_time() - started)
        if isinstance(found, Room):
            readings.append(read(room, found))
    strewn = [make_cluttered_room(seed + k).picture for k in range(max(1, n // 5))]
    refused = [not isinstance(geometry.understand(picture), Room) for picture in strewn]
    return {
        "accepted": len(readings) / n,
        "strewn_refused": float(np.mean(refused)),
        **_errors(readings),
        "cpu_s": float(np.mean(spent)),
        "cpu_max_s": float(np.max(spent)),
    }


def read(room: SyntheticRoom, found: Room) -> Reading:
    """Hold an accepted room against the truth."""
    turn = found.camera.yaw_deg - room.camera.yaw_deg
    floor = _filled(found.floor_px, room.floor.shape)
    bare = cv2.resize(found.floor.astype(np.uint8), room.floor.shape[::-1]) > 0
    safe = _filled(_drawn_in(found), room.floor.shape) & bare
    near = cv2.dilate(room.floor.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return Reading(
        pitch=abs(found.camera.pitch_deg - room.camera.pitch_deg),
        yaw=abs((turn + 45) % 90 - 45),
        edge=float(np.percentile(np.abs(_tops(floor) - _tops(room.floor)), 90)) / len(floor),
        beyond=float((safe & ~near).sum() / max(1, safe.sum())),
        usable=float(safe.sum() / max(1, room.floor.sum())),
    )


def _errors(readings: Sequence[Reading]) -> dict[str, float]:
    if not readings:
        return dict.fromkeys(("pitch_median_deg", "yaw_median_deg", "edge_p90", "beyond"), 1.0)
    pitch, yaw, edge, beyond, usable = (
        np.array([getattr(reading, name) for reading in readings]) for name in Reading.__slots__
    )
    return {
        "pitch_median_deg": float(np.median(pitch)),
        "pitch_p90_deg": float(np.percentile(pitch, 90)),
        "yaw_median_deg": float(np.median(yaw)),
        "yaw_p90_deg": float(np.percentile(yaw, 90)),
        "edge_median": float(np.median(edge)),
        "edge_p90": float(np.percentile(edge, 90)),
        "beyond": float((beyond > 0.005).mean()),
        "usable_median": float(np.median(usable)),
        "usable_p10": float(np.percentile(usable, 10)),
    }


def _drawn_in(room: Room) -> NDArray[np.float64]:
    """Polygon (n, 2) in pixels of the floor that may be furnished."""
    height = room.camera.height_m
    left, right, far = (
        (abs(wall.at_m) - 2 * wall.spread_m - 0.04) / height
        for wall in (room.left, room.right, room.far)
    )
    return floor_polygon(replace(room.camera, height_m=1.0), left, right, far)


def _filled(polygon: NDArray[np.float64], shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, np.uint8)
    if len(polygon) >= 3:
        cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 1)
    return mask > 0


def _tops(mask: Mask) -> NDArray[np.intp]:
    """Row (w,) where the floor begins in each column; the height where there is none."""
    return np.where(mask.any(axis=0), mask.argmax(axis=0), len(mask))
