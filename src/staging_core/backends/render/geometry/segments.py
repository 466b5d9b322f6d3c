"""Straight line segments of a photo, found at a fixed working size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Floats

WORK_PX = 1024
"""Long side of the working picture; every pixel figure in this package means this size."""


@dataclass(frozen=True, slots=True)
class Segments:
    """``start``, ``end``: (n, 2) in pixels of the working picture; longest first."""

    start: Floats
    end: Floats

    def __len__(self) -> int:
        return len(self.start)

    @property
    def middle(self) -> Floats:
        return (self.start + self.end) / 2

    @property
    def length(self) -> Floats:
        return np.asarray(np.linalg.norm(self.end - self.start, axis=1))

    @property
    def direction(self) -> Floats:
        """Unit vectors (n, 2)."""
        return (self.end - self.start) / self.length[:, None]

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Segments:
        return Segments(self.start[chosen], self.end[chosen])


def working_picture(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo with its long side at ``WORK_PX``."""
    height, width = photo.shape[:2]
    factor = WORK_PX / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(photo, size, interpolation=how), np.uint8)


def find_segments(grey: NDArray[np.uint8], *, shortest: float = 0.022, most: int = 500) -> Segments:
    """The longest line segments of a grey picture (h, w).

    ``shortest`` is a share of the long side. Detector: LSD (von Gioi et al., 2010) after local
    contrast equalisation, so that white rooms with faint edges give lines too.
    """
    even = cv2.createCLAHE(2.0, (8, 8)).apply(grey)
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(even)[0]
    # The detector gives None for a picture without any, which its type does not say.
    lines = np.array([] if found is None else found, np.float64).reshape(-1, 4)  # type: ignore[redundant-expr]
    lengths = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] >= shortest * max(grey.shape)][:most]
    return Segments(lines[order, :2], lines[order, 2:])
