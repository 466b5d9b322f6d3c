"""The lens and the sensor: from linear light to a JPEG-compressed sRGB picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .colour import srgb

Floats = NDArray[np.floating]


def develop(rng: np.random.Generator, light: Floats) -> NDArray[np.uint8]:
    """Expose linear light (h, w, 3): bloom, vignette, white balance, noise, curve and JPEG."""
    light = light * _exposure(rng, light)
    bloom = cv2.GaussianBlur(np.maximum(light - 1, 0), (0, 0), light.shape[1] / 60)
    light = light + np.float32(rng.uniform(0, 0.12)) * bloom
    light *= _vignette(light.shape[:2], rng.uniform(0, 0.35))
    light *= np.exp(rng.normal(0, 0.025, 3)).astype(np.float32)
    light = _noisy(rng, light)
    shoulder = np.float32(rng.uniform(0.0, 0.6))
    levels = srgb(light * (1 + shoulder * light / 4) / (1 + shoulder * light))
    return _jpeg(np.rint(levels * 255).astype(np.uint8), int(rng.integers(72, 97)))


def _exposure(rng: np.random.Generator, light: Floats) -> np.float32:
    brightness = light[::8, ::8].mean(axis=-1)
    return np.float32(rng.uniform(0.35, 0.75) / max(float(np.percentile(brightness, 70)), 1e-3))


def _vignette(shape: tuple[int, ...], strength: float) -> Floats:
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    kept: Floats = 1 - strength * (x * x + y * y) / 2
    return kept[..., None]


def _noisy(rng: np.random.Generator, light: Floats) -> Floats:
    shot, read = rng.uniform(0.002, 0.02), rng.uniform(0.0005, 0.004)
    sigma = np.sqrt(shot * shot * np.clip(light, 0, 1) + read * read)
    noise: Floats = sigma * rng.standard_normal(light.shape, dtype=np.float32)
    return light + noise


def _jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, data = cv2.imencode(".jpg", picture[..., ::-1], options)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
