"""The camera of a room photo, searched on a fixed grid and refined; nothing is random.

Each hypothesis (focal length, pitch, roll, yaw) puts three vanishing points in the picture: up,
along and across the room. A segment speaks for it when it points at one of the three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera, Floats

from .segments import Segments

Axes = tuple[Floats, Floats, Floats]

FOCAL_PRIOR = 0.70
"""Usual focal length over the long side: 71 degrees across, the wide lens of listing photos."""
FOCAL_SPREAD = 0.30
NOISE = 0.15
"""Median miss of segments in a sharp picture of a straight room, in their own deviations."""
FOCALS = np.geomspace(0.38, 1.70, 19)
PITCHES = np.radians(np.arange(-24.0, 25.0))
ROLLS = np.radians(np.arange(-5.0, 6.0))
YAWS = np.radians(np.arange(-45.0, 45.0))
TOLERANCE = np.sin(np.radians(1.5))


@dataclass(frozen=True, slots=True)
class CameraFit:
    """A camera of the working picture with what speaks for it.

    ``axis``: (n,) for each segment 0 across (x), 1 along (y), 2 up (z), -1 none of them;
    ``explained``: 0..1, share of the segments' length that points at a vanishing point.
    """

    camera: Camera
    axis: NDArray[np.int8]
    explained: float


@dataclass(frozen=True, slots=True)
class _Lines:
    """Segments around the principal point, in units of the long side."""

    middle: NDArray[np.float32]
    direction: NDArray[np.float32]
    length: NDArray[np.float32]
    weight: NDArray[np.float32]


def search_camera(
    segments: Segments, width: int, height: int, focal_px: float | None = None
) -> CameraFit:
    """The camera that most of the segments' length agrees with.

    ``focal_px`` (in working pixels, from EXIF or a person) replaces the search over focal lengths.
    """
    lines = _lines(segments, width, height)
    long_side = max(width, height)
    known = None if focal_px is None else focal_px / long_side
    focals = FOCALS if known is None else np.array([known])
    seeds = _grid(lines, focals)
    best = min((_refine(lines, seed, known) for seed in seeds), key=lambda fit: fit[1])[0]
    focal, pitch, roll, yaw = best
    camera = Camera(
        width=width,
        height=height,
        focal_px=float(np.exp(focal) * long_side),
        pitch_deg=float(np.degrees(pitch)),
        roll_deg=float(np.degrees(roll)),
        yaw_deg=float(np.degrees((yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4)),
    )
    return fit_of(camera, segments)


def fit_of(camera: Camera, segments: Segments, tolerance_deg: float = 1.2) -> CameraFit:
    """How well a camera explains segments, and which room axis each of them follows."""
    if not len(segments):
        return CameraFit(camera, np.zeros(0, np.int8), 0.0)
    angles = np.stack([angle_to(camera, segments, axis) for axis in range(3)])
    nearest = np.argmin(angles, axis=0)
    length = segments.length
    # A short segment's direction is itself only known to about a pixel over its length.
    allowed = np.radians(tolerance_deg) + 0.7 / length
    good = angles[nearest, np.arange(len(nearest))] < allowed
    return CameraFit(
        camera,
        np.where(good, nearest, -1).astype(np.int8),
        float(length[good].sum() / length.sum()),
    )


def angle_to(camera: Camera, segments: Segments, axis: int) -> Floats:
    """Angles (n,) in radians between segments and the lines to the vanishing point of ``axis``."""
    toward = camera.rotation()[:, axis]
    middle = segments.middle - np.array(camera.centre)
    line = camera.focal_px * toward[:2] - toward[2] * middle
    cross = line[:, 0] * segments.direction[:, 1] - line[:, 1] * segments.direction[:, 0]
    return np.asarray(np.arcsin(np.clip(np.abs(cross) / np.linalg.norm(line, axis=1), 0, 1)))


def _lines(segments: Segments, width: int, height: int) -> _Lines:
    long_side = max(width, height)
    middle = (segments.middle - np.array([width, height]) / 2) / long_side
    direction = segments.direction
    length = segments.length / long_side
    # Patterns of the floor mislead the search: laid askew, or of countless parallel boards.
    on_floor = (np.abs(direction[:, 1]) < 0.87) & (middle[:, 1] > 0.13)
    weight = np.where(on_floor, 0.4, 1.0)
    as32 = [np.asarray(a, np.float32) for a in (middle, direction, length, weight)]
    return _Lines(*as32)


def _axes(pitch: Floats, roll: Floats, yaw: Floats) -> tuple[Axes, Axes, Axes]:
    """The room's axes x, y, z in camera coordinates (right, down, forward), broadcast."""
    sp, cp, sr, cr = np.sin(pitch), np.cos(pitch), np.sin(roll), np.cos(roll)
    sy, cy = np.sin(yaw), np.cos(yaw)
    level = (
        (cy, -sp * sy, cp * sy),
        (-sy, -sp * cy, cp * cy),
        (0 * cy, -cp + 0 * cy, -sp + 0 * cy),
    )
    x, y, z = ((r * cr - d * sr, r * sr + d * cr, f) for r, d, f in level)
    return x, y, z


def _misses(lines: _Lines, focal: Floats, axis: Axes) -> NDArray[np.float32]:
    """Squared sines (..., n) of the angles between lines and the way to a vanishing point."""
    u = (focal * axis[0]).astype(np.float32)[..., None]
    v = (focal * axis[1]).astype(np.float32)[..., None]
    w = axis[2].astype(np.float32)[..., None]
    dx = u - w * lines.middle[:, 0]
    dy = v - w * lines.middle[:, 1]
    cross = dx * lines.direction[:, 1] - dy * lines.direction[:, 0]
    return np.asarray(cross * cross / (dx * dx + dy * dy + np.float32(1e-9)))


def _support(miss: NDArray[np.float32], lines: _Lines) -> Floats:
    """Length-weighted votes (...) of squared sines (..., n)."""
    votes = np.exp(miss * np.float32(-0.5 / TOLERANCE**2))
    return np.asarray(votes @ (lines.length * lines.weight), np.float64)


def _grid(lines: _Lines, focals: Floats) -> list[Floats]:
    """The four best hypotheses (log focal, pitch, roll, yaw) of the grid."""
    steep = np.abs(lines.direction[:, 1]) > 0.87
    uprights = _Lines(
        *(a[steep][:160] for a in (lines.middle, lines.direction, lines.length, lines.weight))
    )
    focal, pitch, roll = np.meshgrid(focals, PITCHES, ROLLS, indexing="ij")
    _, _, up = _axes(pitch, roll, 0 * pitch)
    score = _support(_misses(uprights, focal, up), uprights) - _tilt_cost(pitch, roll, lines)
    flat = score.reshape(len(focals), -1)
    top = np.argsort(-flat, axis=1, kind="stable")[:, :3]
    pick = (np.arange(len(focals))[:, None], top)
    f, p, r = (a.reshape(len(focals), -1)[pick].reshape(-1, 1) for a in (focal, pitch, roll))
    return _best_yaws(lines, f, p, r)


def _best_yaws(lines: _Lines, focal: Floats, pitch: Floats, roll: Floats) -> list[Floats]:
    x, y, z = _axes(pitch, roll, YAWS[None, :])
    miss = np.minimum(_misses(lines, focal, x), _misses(lines, focal, y))
    upright = _misses(lines, focal[:, 0], (z[0][:, 0], z[1][:, 0], z[2][:, 0]))
    score = _support(np.minimum(miss, upright[:, None, :]), lines)
    total = float((lines.length * lines.weight).sum())
    score -= 0.015 * total * (np.log(focal / FOCAL_PRIOR) / FOCAL_SPREAD) ** 2
    score -= _tilt_cost(pitch, roll, lines)
    seeds: list[Floats] = []
    for index in np.argsort(-score, axis=None, kind="stable"):
        row, column = divmod(int(index), len(YAWS))
        seed = np.array(
            [np.log(focal[row, 0]), pitch[row, 0], roll[row, 0], YAWS[column]], np.float64
        )
        if all(np.abs(seed - other).max() > 0.06 for other in seeds):
            seeds.append(seed)
        if len(seeds) == 4:
            break
    return seeds


def _tilt_cost(pitch: Floats, roll: Floats, lines: _Lines) -> Floats:
    """Photographers hold the camera nearly level; breaks ties where no upright line is seen."""
    total = float((lines.length * lines.weight).sum())
    return np.asarray(total * (0.01 * (pitch / 0.2) ** 2 + 0.01 * (roll / 0.04) ** 2))


def _refine(lines: _Lines, seed: Floats, known_focal: float | None) -> tuple[Floats, float]:
    """Gauss-Newton with Welsch weights on the distance of a segment's ends from its line.

    Returns the hypothesis and its cost; lower is better, comparable between seeds.
    """
    guess = seed.copy()
    precision, usual = _prior(known_focal)
    for scale in (3.0, 2.0, 1.5, 1.0, 1.0, 1.0, 1.0, 1.0):
        residual, assigned = _residuals(lines, guess)
        weight = lines.weight * np.exp(-0.5 * (residual / scale) ** 2)
        jacobian = np.empty((len(residual), 4))
        for k in range(4):
            moved = guess.copy()
            moved[k] += 1e-4
            jacobian[:, k] = (_residuals(lines, moved, assigned)[0] - residual) / 1e-4
        # Lines that miss by more say less: a bent lens must not pretend to tell a focal length.
        trusted = precision * max(1.0, (_noise(lines, residual) / NOISE) ** 2)
        normal = jacobian.T @ (weight[:, None] * jacobian) + np.diag(trusted)
        gradient = jacobian.T @ (weight * residual) + trusted * (guess - usual)
        guess = guess - np.clip(np.linalg.solve(normal, gradient), -0.08, 0.08)
    residual, _ = _residuals(lines, guess)
    size = lines.weight * lines.length
    saved = (size * np.exp(-0.5 * (residual / 1.5) ** 2)).sum() / max(size.sum(), 1e-9)
    return guess, float(1 - saved + 0.001 * (precision @ (guess - usual) ** 2))


def _noise(lines: _Lines, residual: Floats) -> float:
    """Median miss of the lines that point at a vanishing point, weighted by their length."""
    near = np.abs(residual[np.abs(residual) < 2])
    size = np.cumsum(lines.length[np.abs(residual) < 2][np.argsort(near, kind="stable")])
    return float(np.sort(near)[np.searchsorted(size, size[-1] / 2)]) if len(near) else NOISE


def _prior(known_focal: float | None) -> tuple[Floats, Floats]:
    """Inverse variances and centres of log focal, pitch, roll, yaw."""
    focal = FOCAL_PRIOR if known_focal is None else known_focal
    spread = FOCAL_SPREAD if known_focal is None else 1e-3
    return (
        np.array([spread**-2, 0.2**-2, 0.03**-2, 1e-6]),
        np.array([np.log(focal), 0.0, 0.0, 0.0]),
    )


def _residuals(
    lines: _Lines, guess: Floats, assigned: NDArray[np.intp] | None = None
) -> tuple[Floats, NDArray[np.intp]]:
    """Signed misses (n,) in standard deviations, and the axis each segment follows."""
    focal = np.exp(guess[0])
    signed = np.stack([_signed_sine(lines, focal, axis) for axis in _axes(*guess[1:])])
    if assigned is None:
        assigned = np.argmin(np.abs(signed), axis=0)
    sine = np.take_along_axis(signed, assigned[None], axis=0)[0]
    # Half a pixel at the ends of a segment and a third of a degree for how walls really stand.
    deviation = 0.0012 / lines.length + 0.004
    return sine / deviation, assigned


def _signed_sine(lines: _Lines, focal: Floats, axis: Axes) -> Floats:
    dx = focal * axis[0] - axis[2] * lines.middle[:, 0]
    dy = focal * axis[1] - axis[2] * lines.middle[:, 1]
    cross = dx * lines.direction[:, 1] - dy * lines.direction[:, 0]
    flip = np.sign(dx * lines.direction[:, 0] + dy * lines.direction[:, 1])
    return np.asarray(flip * cross / np.sqrt(dx * dx + dy * dy + 1e-12), np.float64)
