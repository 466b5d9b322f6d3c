"""What the offline renderer sees in a photo, as facts and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from staging_core.backends.render import geometry
from staging_core.backends.render.report import camera_report, room_report
from staging_core.backends.render.room import NotUnderstood, Room
from staging_core.config import Settings
from staging_core.errors import BadInput
from staging_core.imaging.decoder import Decoder, WorkingCopy
from staging_core.imaging.intake import read_photo
from staging_core.imaging.limits import Limits
from staging_core.staged_picture import replace_file

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")


class Sight:
    """The outcome of one photo: ``answer`` is what ``--json`` prints."""

    def __init__(self, pixels: np.ndarray[Any, np.dtype[np.uint8]], outcome: Any) -> None:
        self._pixels, self._outcome = pixels, outcome
        self.answer = _answer(outcome)

    def overlay(self, ending: str = ".png") -> bytes:
        """The photo with the room drawn on it, encoded as the ending says."""
        drawn = geometry.overlay.draw(self._pixels, self._outcome)
        written, data = cv2.imencode(ending, cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        assert written
        return data.tobytes()

    def save_overlay(self, path: Path) -> None:
        """Write the overlay whole; ``BadInput`` when the place cannot be written."""
        replace_file(path, self.overlay(path.suffix.lower()))


def check_overlay(path: Path) -> None:
    """``BadInput`` for an ending that cannot be written."""
    if path.suffix.lower() not in _ENDINGS:
        raise BadInput(
            f"A picture cannot be saved as {path.name!r}.",
            remedy=f"End the name in one of {', '.join(_ENDINGS)}.",
        )


async def see(photo: str | bytes, environ: Mapping[str, str]) -> Sight:
    """Read the photo within the limits that the environment sets, and look at its room."""
    settings = Settings.from_env(environ)
    limits = Limits(
        max_bytes=settings.max_bytes, max_pixels=settings.max_pixels, max_side=settings.max_side
    )
    async with Decoder(limits=limits) as decoder:
        copy = await decoder.working_copy(await read_photo(photo, limits))
    return look(copy)


def look(copy: WorkingCopy) -> Sight:
    """The room in a working copy, which our own decoder made."""
    encoded = np.frombuffer(copy.data, np.uint8)
    pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.uint8)
    return Sight(pixels, geometry.understand(pixels, focal_px=copy.focal_px))


def _answer(outcome: Room | NotUnderstood) -> dict[str, Any]:
    """The fixed shape of ``staging room --json``; None for what was not found."""
    nothing: dict[str, Any] = {"camera": None, "size_m": None, "floor_px": None}
    if isinstance(outcome, Room):
        return {"accepted": True, **nothing, **room_report(outcome), "reason": None}
    facts = room_report(outcome.room) if outcome.room else {}
    if outcome.camera is not None:
        facts["camera"] = camera_report(outcome.camera)
    return {
        "accepted": False,
        **nothing,
        **facts,
        "confidence": round(outcome.confidence, 3),
        "reason": outcome.reason,
    }
