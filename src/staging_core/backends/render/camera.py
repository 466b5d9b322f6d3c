"""The pinhole camera of a photo, in the room's own frame.

Room frame, in metres: ``x`` right, ``y`` away from the viewer, ``z`` up; the axes are parallel
to the walls, the floor is ``z = 0`` and the camera stands at ``(0, 0, height_m)``. ``y`` is the
wall normal nearest to the optical axis, so yaw lies in [-45, 45] degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Camera:
    """Focal length and principal point in pixels, angles in degrees.

    ``pitch_deg`` > 0 looks down; ``roll_deg`` > 0 turns the picture's horizon clockwise;
    ``yaw_deg`` > 0 turns the optical axis towards ``+x`` (right of the wall normal).
    """

    width: int
    height: int
    focal_px: float
    pitch_deg: float
    roll_deg: float
    yaw_deg: float
    height_m: float = 1.4
    centre_x: float | None = None
    centre_y: float | None = None

    @property
    def centre(self) -> tuple[float, float]:
        """Principal point in pixels; the middle of the picture unless given."""
        x = self.width / 2 if self.centre_x is None else self.centre_x
        y = self.height / 2 if self.centre_y is None else self.centre_y
        return x, y

    def rotation(self) -> Floats:
        """3x3, rows = the camera's right, down and forward axes in the room frame."""
        pitch, roll, yaw = np.radians((self.pitch_deg, self.roll_deg, self.yaw_deg))
        forward = np.array(
            [np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), -np.sin(pitch)]
        )
        level_right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
        level_down = np.cross(forward, level_right)
        right = level_right * np.cos(roll) - level_down * np.sin(roll)
        down = level_right * np.sin(roll) + level_down * np.cos(roll)
        return np.stack([right, down, forward])

    def project(self, points: Floats) -> Floats:
        """Pixels (..., 2) of room points (..., 3); points behind the camera give NaN."""
        local = (points - np.array([0.0, 0.0, self.height_m])) @ self.rotation().T
        depth = np.where(local[..., 2:] > 1e-6, local[..., 2:], np.nan)
        pixels: Floats = local[..., :2] / depth * self.focal_px + np.array(self.centre)
        return pixels

    def rays(self, pixels: Floats) -> Floats:
        """Directions (..., 3) in the room frame of pixels (..., 2); their forward part is 1."""
        local = (pixels - np.array(self.centre)) / self.focal_px
        ones = np.ones((*local.shape[:-1], 1))
        return np.concatenate([local, ones], axis=-1) @ self.rotation()

    def on_floor(self, pixels: Floats) -> Floats:
        """Floor points (..., 2) in metres under pixels (..., 2); NaN at or above the horizon."""
        rays = self.rays(pixels)
        down = np.where(rays[..., 2:] < -1e-6, -rays[..., 2:], np.nan)
        return rays[..., :2] / down * self.height_m

    def scaled(self, factor: float) -> Camera:
        """The same camera for the picture resized by ``factor``."""
        x, y = self.centre
        return Camera(
            width=round(self.width * factor),
            height=round(self.height * factor),
            focal_px=self.focal_px * factor,
            pitch_deg=self.pitch_deg,
            roll_deg=self.roll_deg,
            yaw_deg=self.yaw_deg,
            height_m=self.height_m,
            centre_x=x * factor,
            centre_y=y * factor,
        )
