"""Steps of colour across picture lines, also where no line segment was found."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Floats

STEP = 5.0
"""Least difference of Lab colour (0..255 scale) that is a step and not noise or shade."""
SHIFTS = np.array([-1.5, 0.0, 1.5])
NEAR = 2.5
WIDE = 5.0
"""Half of the distance in pixels that a step is measured over; a seam is thinner than WIDE."""


def step_cover(lab: NDArray[np.float32], line: Floats, half: float = NEAR) -> float:
    """Share 0..1 of a line (2, 2) of the working picture with a step across it.

    ``lab``: (h, w, 3). Steps have to go one way: tiles of many tones go both ways.
    """
    ticks = (np.arange(160) + 0.5) / 160
    points = line[0] + ticks[:, None] * (line[1] - line[0])
    steps = _steps(lab, points[None], half, smooth=13)[:, 0]
    return max(_agreeing(step) for step in steps)


def mean_step(lab: NDArray[np.float32], line: Floats, half: float) -> float:
    """Size of the average step across a line (2, 2); what goes both ways cancels."""
    ticks = (np.arange(160) + 0.5) / 160
    points = line[0] + ticks[:, None] * (line[1] - line[0])
    steps = _steps(lab, points[None], half, smooth=1)[1, 0]
    return float(np.linalg.norm(steps.mean(axis=0)))


def step_sizes(lab: NDArray[np.float32], points: Floats, *, smooth: int) -> Floats:
    """Sizes (n, m) of the steps across n lines of m points (n, m, 2), averaged along the line.

    Averaging makes carpet and noise no step, and the seams of a floor, which are the same on both
    sides, neither.
    """
    return np.asarray(np.linalg.norm(_steps(lab, points, NEAR, smooth=smooth), axis=-1).max(axis=0))


def _steps(
    lab: NDArray[np.float32], points: Floats, half: float, *, smooth: int
) -> NDArray[np.float32]:
    """Colour differences (3, n, m, 3), at three places a pixel and a half apart."""
    along = np.gradient(points, axis=1)
    normal = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    colours = []
    for offset in (*(-half + SHIFTS), *(half + SHIFTS)):
        maps = (points + offset * normal - 0.5).astype(np.float32)
        found = cv2.remap(
            lab, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        colours.append(cv2.blur(found, (smooth, 1)))
    return np.stack([colours[k] - colours[k + 3] for k in range(3)]).astype(np.float32)


def _agreeing(steps: NDArray[np.float32]) -> float:
    """Share of steps (n, 3) that go the way of the average."""
    mean = steps.mean(axis=0)
    size = float(np.linalg.norm(mean))
    return float((steps @ (mean / size) > STEP).mean()) if size > 1e-6 else 0.0
