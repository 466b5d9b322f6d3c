"""How much of a picture line has a step of colour across it, also where no line segment was found."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Floats

STEP = 5.0
"""Least difference of Lab colour (0..255 scale) that is a step and not noise or shade."""


def step_cover(lab: NDArray[np.float32], line: Floats) -> float:
    """Share 0..1 of a line (2, 2) of the working picture with a step across it.

    ``lab``: (h, w, 3). Colours are averaged along the line, so that carpet and noise make no step.
    """
    ticks = (np.arange(160) + 0.5) / 160
    along = line[1] - line[0]
    normal = np.array([-along[1], along[0]]) / np.linalg.norm(along)
    points = line[0] + ticks[:, None] * along
    rows = [points + offset * normal for offset in (-4.0, -2.5, -1.0, 1.0, 2.5, 4.0)]
    maps = np.stack(rows).astype(np.float32)
    colours = cv2.remap(
        lab, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    smooth = cv2.blur(colours, (13, 1))
    steps = [np.linalg.norm(smooth[k] - smooth[k + 3], axis=-1) for k in range(3)]
    return float((np.max(steps, axis=0) > STEP).mean())
