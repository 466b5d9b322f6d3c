"""One photo furnished, from bytes to bytes: understand, place, render."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from staging_core.errors import Refused, RoomNotUnderstood

from . import geometry, picture, placement
from .placement import Layout, NoPlace
from .protocol import Drawn, Order
from .report import staged_report
from .room import NotUnderstood, Room

Progress = Callable[[float, str], None]
Pixels = NDArray[np.uint8]
UNDERSTOOD, PLACED, RENDERED = 0.2, 0.3, 0.95
_PHASES = {"visibility": "light", "gather": "light"}


def stage(order: Order, photo: bytes, progress: Progress) -> tuple[Drawn, bytes]:
    """The report and the PNG of the furnished ``photo`` (PNG or JPEG).

    ``progress`` gets the share 0..1 and one of the phases ``room, placement, light, shadows,
    composite``. Raises ``RoomNotUnderstood`` with the overlay that shows why, or ``Refused``.
    """
    clock = _Clock()
    progress(0.0, "room")
    pixels = _decoded(photo)
    room = _understood(pixels, order.focal_px, progress)
    clock.lap("room")
    progress(UNDERSTOOD, "placement")
    layout = _furnished(pixels, room, order)
    clock.lap("placement")
    rendered = picture.render(
        pixels,
        room,
        layout.placed,
        seed=order.request.seed,
        progress=_later(progress),
        accelerated=order.accelerated,
    )
    clock.since = time.perf_counter()
    data = _encoded(rendered.picture)
    clock.laps.update(rendered.timings_ms)
    clock.lap("encode")
    return Drawn(staged_report(room, layout, clock.laps)), data


class _Clock:
    """Milliseconds of each phase."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.since = time.perf_counter()

    def lap(self, phase: str) -> None:
        now = time.perf_counter()
        self.laps[phase] = round(1000 * (now - self.since), 1)
        self.since = now


def _later(progress: Progress) -> Progress:
    """``progress`` for the renderer, whose share is the last part of the whole."""

    def told(share: float, phase: str) -> None:
        progress(PLACED + (RENDERED - PLACED) * share, _PHASES.get(phase, phase))

    return told


def _understood(pixels: Pixels, focal_px: float | None, progress: Progress) -> Room:
    def told(phase: str, share: float) -> None:
        progress(UNDERSTOOD * share, "room")

    outcome = geometry.understand(pixels, focal_px=focal_px, progress=told)
    if isinstance(outcome, NotUnderstood):
        raise RoomNotUnderstood(outcome.reason, overlay_png=_overlay(pixels, outcome))
    return outcome


def _furnished(pixels: Pixels, room: Room, order: Order) -> Layout:
    request = order.request
    try:
        layout = placement.furnish(
            room,
            room_type=request.room,
            style=request.style,
            seed=request.seed,
            furniture=request.furniture,
        )
    except KeyError as error:
        raise Refused(
            f"The offline renderer has no {request.style} {request.room} yet.",
            remedy="Choose another style or room type, or another model.",
        ) from error
    if isinstance(layout, NoPlace):
        why = NotUnderstood(layout.reason, room.confidence, room.camera, room)
        raise RoomNotUnderstood(layout.reason, overlay_png=_overlay(pixels, why))
    return layout


def _overlay(pixels: Pixels, outcome: NotUnderstood) -> bytes:
    return _encoded(geometry.overlay.draw(pixels, outcome))


def _decoded(photo: bytes) -> Pixels:
    import cv2

    pixels = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise Refused("The working copy of the photo cannot be decoded.")
    return np.asarray(pixels, np.uint8)


def _encoded(pixels: Pixels) -> bytes:
    """PNG: without loss, so that what was not touched stays as it is."""
    import cv2

    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    written, data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not written:
        raise Refused("The furnished picture cannot be encoded.")
    return data.tobytes()
