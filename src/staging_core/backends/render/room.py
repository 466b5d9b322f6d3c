"""What the stager knows of an empty room: its box in metres, its floor, its openings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .camera import Camera

Side = Literal["left", "right", "far"]
OpeningKind = Literal["door", "window", "fireplace", "unknown"]


@dataclass(frozen=True, slots=True)
class Wall:
    """One vertical plane of the box.

    ``at_m``: its x (left, right) or y (far) in the room frame. ``spread_m``: one standard
    deviation of it. ``seen``: False when the picture shows no sign of it, so that ``at_m`` is only
    how far the floor is known to reach.
    """

    at_m: float
    spread_m: float
    seen: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """A door, window or other thing in a wall that furniture must respect.

    ``start_m, end_m``: along the wall (y for left and right, x for far); ``bottom_m, top_m``: above
    the floor.
    """

    kind: OpeningKind
    side: Side
    start_m: float
    end_m: float
    bottom_m: float
    top_m: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Room:
    """An understood room.

    ``floor``: bool (h, w) at a reduced size (any size with the photo's ratio), True where the
    picture shows bare floor. ``floor_px``: (n, 2) polygon of the visible floor in photo pixels.
    ``confidence``: 0..1.
    """

    camera: Camera
    left: Wall
    right: Wall
    far: Wall
    ceiling_m: float
    floor: NDArray[np.bool_]
    floor_px: NDArray[np.float64]
    openings: tuple[Opening, ...]
    confidence: float
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def size_m(self) -> tuple[float, float, float]:
        """Width (x), visible depth from the camera's foot (y) and ceiling height (z) in metres."""
        return self.right.at_m - self.left.at_m, self.far.at_m, self.ceiling_m


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """Why a photo is refused, in one plain sentence, with whatever was found on the way."""

    reason: str
    confidence: float
    camera: Camera | None = None
    room: Room | None = None
