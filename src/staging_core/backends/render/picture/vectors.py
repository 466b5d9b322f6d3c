"""Arithmetic on many small vectors, written so that numpy runs along the long axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def dot(a: Floats, b: Floats) -> Floats:
    """Scalar products (...) of vectors (..., 3)."""
    x, y, z = a[..., 0] * b[..., 0], a[..., 1] * b[..., 1], a[..., 2] * b[..., 2]
    return np.asarray(x + y + z)


def unit(vectors: Floats) -> Floats:
    """Vectors (..., 3) at length 1; those without length stay."""
    length = np.sqrt(dot(vectors, vectors))
    return np.asarray(vectors / np.maximum(length, 1e-12)[..., None], np.float32)


def mean_of_rays(values: Floats, rays: int) -> Floats:
    """Means (n, 3) over runs of ``rays`` rows of values (n * rays, 3)."""
    shares = np.full((1, rays), 1 / rays, np.float32)
    return np.asarray(shares @ values.reshape(-1, rays, 3))[:, 0]
