"""What is told about a room and the furniture in it, as JSON-able facts."""

from __future__ import annotations

from typing import Any

import msgspec

from .camera import Camera
from .placement import Layout, describe
from .room import Room


def camera_report(camera: Camera) -> dict[str, float]:
    """Focal length in pixels and angles in degrees (signs as in ``Camera``)."""
    return {
        "focal_px": round(camera.focal_px, 2),
        "pitch_deg": round(camera.pitch_deg, 3),
        "roll_deg": round(camera.roll_deg, 3),
        "yaw_deg": round(camera.yaw_deg, 3),
    }


def room_report(room: Room) -> dict[str, Any]:
    """``camera``, ``size_m`` (width, depth, height), ``floor_px`` (polygon) and ``confidence``."""
    return {
        "camera": camera_report(room.camera),
        "size_m": [round(size, 3) for size in room.size_m],
        "floor_px": [[round(float(x), 1), round(float(y), 1)] for x, y in room.floor_px],
        "confidence": round(room.confidence, 3),
    }


def staged_report(room: Room, layout: Layout, timings_ms: dict[str, float]) -> dict[str, Any]:
    """The room's report, its ``pieces``, the wishes ``not_placed`` and milliseconds per phase."""
    return {
        **room_report(room),
        "pieces": msgspec.to_builtins(describe(room, layout)),
        "not_placed": list(layout.not_placed),
        "timings_ms": timings_ms,
    }
