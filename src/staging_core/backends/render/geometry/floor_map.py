"""Which pixels look like floor: appearance classes and the odds that each belongs to the floor."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera, Floats

MAP_PX = 384
"""Long side of the map."""
CLASSES = 14
GROWN = 1.25
LIMIT = 2.5
"""Log-odds are clipped here: no single appearance class may decide alone."""


@dataclass(frozen=True, slots=True)
class FloorMap:
    """``lab``: (h, w, 3) colour 0..255; ``classes``: (h, w) appearance class of each pixel;
    ``odds``: (h, w) log-odds of floor.

    ``below``: (h, w) True under the horizon; ``walls``: True where a wall could be taken for floor,
    not so high that it may be ceiling; ``grown``: 0..1, how surely a pixel is reached from the low
    middle of the picture over smaller steps of colour than from the walls; ``scale``: map pixels
    per working pixel.
    """

    lab: NDArray[np.float32]
    classes: NDArray[np.int32]
    odds: NDArray[np.float32]
    below: NDArray[np.bool_]
    walls: NDArray[np.bool_]
    grown: NDArray[np.float32]
    scale: float

    def odds_at(self, points: Floats) -> Floats:
        """Log-odds at working pixels (..., 2); points outside take the nearest border pixel."""
        return np.asarray(self.odds[self._cell(points)], np.float64)

    def lab_at(self, points: Floats) -> Floats:
        """Colours (..., 3) at working pixels (..., 2)."""
        return np.asarray(self.lab[self._cell(points)], np.float64)

    def _cell(self, points: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        height, width = self.odds.shape
        cell = np.floor(points * self.scale).astype(np.intp)
        return np.clip(cell[..., 1], 0, height - 1), np.clip(cell[..., 0], 0, width - 1)

    def learned(self, floor: NDArray[np.bool_], rest: NDArray[np.bool_]) -> FloorMap:
        """The same classes with odds counted anew from pixels taken for floor and for the rest."""
        odds = _odds(self.classes, floor, rest & self.walls)
        return replace(self, odds=_with_grown(odds, self.grown))


def map_floor(picture: NDArray[np.float32], camera: Camera) -> FloorMap:
    """A first map: the low middle of the picture is floor, all above the horizon is not.

    ``picture``: the working picture (h, w, 3) in Lab 0..255.
    """
    long_side = max(picture.shape[:2])
    scale = MAP_PX / long_side
    height, width = (max(8, round(side * scale)) for side in picture.shape[:2])
    lab = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    classes = _classes(lab)
    pixels = _grid(height, width, scale)
    x, y = pixels[..., 0], pixels[..., 1]
    rays = camera.rays(pixels)
    below = rays[..., 2] < -0.02
    centre = np.abs(x / (width / scale) - 0.5) < 0.27
    seeds = below & centre & (y > 0.92 * height / scale)
    walls = rays[..., 2] < 0.45 * np.hypot(rays[..., 0], rays[..., 1])
    odds = _odds(classes, seeds, walls & (rays[..., 2] > 0))
    grown = _grow(lab, seeds, rays[..., 2] > 0)
    return FloorMap(lab, classes, _with_grown(odds, grown), below, walls, grown, scale)


def pixel_grid(floor: FloorMap) -> Floats:
    """Working pixels (h, w, 2) of the middles of map pixels."""
    return _grid(floor.odds.shape[0], floor.odds.shape[1], floor.scale)


def _grid(height: int, width: int, scale: float) -> Floats:
    x, y = np.meshgrid((np.arange(width) + 0.5) / scale, (np.arange(height) + 0.5) / scale)
    return np.stack([x, y], axis=-1)


def _classes(lab: NDArray[np.float32]) -> NDArray[np.int32]:
    """k-means over lightness, colour and fine texture; started from lightness, no chance."""
    light = lab[..., 0]
    stack = [0.5 * cv2.GaussianBlur(light, (0, 0), 1.0), 2.0 * _texture(light)]
    stack += [1.6 * cv2.GaussianBlur(lab[..., k], (0, 0), 1.0) for k in (1, 2)]
    features = np.stack(stack, axis=-1)
    sample = np.ascontiguousarray(features[::3, ::3].reshape(-1, features.shape[-1]))
    rank = np.argsort(np.argsort(sample[:, 0] + 2 * sample[:, 2], kind="stable"), kind="stable")
    start = (rank * CLASSES // len(rank)).astype(np.int32)[:, None]
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 0.5)
    _, _, centres = cv2.kmeans(sample, CLASSES, start, criteria, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    flat = features.reshape(-1, features.shape[-1])
    distance = (centres**2).sum(1) - 2 * flat @ centres.T
    return np.asarray(np.argmin(distance, axis=1).reshape(light.shape), np.int32)


def _grow(
    lab: NDArray[np.float32], floor: NDArray[np.bool_], rest: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Share 0..1 of three watersheds, each over a smoother picture, that give a pixel to the floor.

    Fading light is no border to a watershed, a skirting is one; smoothing silences carpet.
    """
    markers = np.zeros(floor.shape, np.int32)
    markers[rest] = 2
    markers[floor] = 1
    even = np.clip(lab, 0, 255).astype(np.uint8)
    shares = []
    for size in (3, 5, 9):
        smooth = cv2.GaussianBlur(cv2.medianBlur(even, size), (0, 0), size / 4)
        shares.append(cv2.watershed(smooth, markers.copy()) == 1)
    return np.asarray(np.mean(shares, axis=0), np.float32)


def _with_grown(odds: NDArray[np.float32], grown: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(0.5 * odds + GROWN * (2 * grown - 1), np.float32)


def _texture(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fine local contrast; a single edge counts as none, so that texture ends at the wall."""
    band = light - cv2.GaussianBlur(light, (0, 0), 1.0)
    energy = cv2.GaussianBlur(band * band, (0, 0), 2.0)
    calmest = cv2.erode(energy, np.ones((7, 7), np.uint8))
    return np.asarray(np.sqrt(cv2.GaussianBlur(calmest, (0, 0), 1.0)), np.float32)


def _odds(
    classes: NDArray[np.int32], floor: NDArray[np.bool_], rest: NDArray[np.bool_]
) -> NDArray[np.float32]:
    inside = np.bincount(classes[floor], minlength=CLASSES) / max(1, int(floor.sum()))
    outside = np.bincount(classes[rest], minlength=CLASSES) / max(1, int(rest.sum()))
    odds = np.clip(np.log((inside + 0.004) / (outside + 0.004)), -LIMIT, LIMIT)
    return np.asarray(odds.astype(np.float32)[classes])
