"""What is seen along a ray: the camera's view and the light's way.

Two implementations answer alike: Embree (the ``accelerate`` extra) and plain numpy. Their
silhouettes agree; the numpy one knows the furniture only as small cubes when it follows light.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .lens import Lens
from .scene import Scene

Floats = NDArray[np.float32]
Faces = NDArray[np.int32]
NOTHING = -1


class Visibility(Protocol):
    """Finds the nearest triangle of one scene."""

    exact: bool
    """Whether ``hit`` knows the true surfaces; if not, light may be gathered more coarsely."""

    def seen(
        self, lens: Lens, pixels: NDArray[np.int64], offset: tuple[float, float] = (0.0, 0.0)
    ) -> Faces:
        """The face (n,) in each pixel, or ``NOTHING``. ``pixels`` are flat numbers, ascending."""
        ...

    def hit(self, origins: Floats, directions: Floats) -> Faces:
        """The first face (n,) from origins (n, 3) along directions (n, 3), or ``NOTHING``."""
        ...


def open_visibility(scene: Scene, accelerated: bool | None = None) -> Visibility:
    """Embree where it is installed, else numpy. ``accelerated`` forces one: True needs embreex."""
    if accelerated is None:
        accelerated = has_embree()
    if accelerated:
        from .embree import EmbreeVisibility

        return EmbreeVisibility(scene)
    from .zbuffer import NumpyVisibility

    return NumpyVisibility(scene)


def has_embree() -> bool:
    """Whether the ``accelerate`` extra is installed and loads."""
    try:
        import embreex.rtcore_scene  # noqa: F401
    except ImportError:
        return False
    return True
