"""From a photo, its room and the furniture in it to the furnished photo."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.mesh import Placed
from staging_core.backends.render.room import Room

from .antialias import Samples, Softness, edges
from .composite import Painter
from .exposure import calibrated
from .gather import Gatherer, bounces
from .glass import Glass
from .grain import Grain, softness_of
from .lens import Lens
from .light_field import LightField
from .light_grid import gather_grid
from .photo_light import PhotoLight
from .scene import Scene
from .shade import Shader
from .shadow import cast
from .visibility import NOTHING, Visibility, open_visibility

Progress = Callable[[float, str], None]
CHANGED_AT_MOST, SHADOW_AT_MOST = 0.40, 0.15
"""Shares of the picture: furniture with its shadows, and shadows alone."""
SPARE = 0.01
"""A share left over, since shadows are measured on a grid coarser than pixels."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The furnished photo.

    ``picture`` (h, w, 3) sRGB as large as the photo; ``changed`` (h, w): the pixels that are not
    the photo's own; ``timings_ms``: milliseconds for each phase.
    """

    picture: NDArray[np.uint8]
    changed: NDArray[np.bool_]
    timings_ms: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Clock:
    """Says what is going on and how long each phase took."""

    progress: Progress | None
    timings_ms: dict[str, float] = field(default_factory=dict)
    _phase: str = ""
    _since: float = 0.0

    def enter(self, share: float, phase: str) -> None:
        now = time.perf_counter()
        if self._phase:
            spent = 1000 * (now - self._since)
            self.timings_ms[self._phase] = round(self.timings_ms.get(self._phase, 0.0) + spent, 1)
        self._phase, self._since = phase, now
        if self.progress is not None and phase:
            self.progress(share, phase)


def render(
    photo: NDArray[np.uint8],
    room: Room,
    placed: Sequence[Placed],
    *,
    seed: int,
    progress: Progress | None = None,
    accelerated: bool | None = None,
) -> Rendered:
    """Draws ``placed`` into ``photo`` (h, w, 3) sRGB, lit by the photo itself.

    The same photo, room, furniture and seed give the same bytes. ``progress`` gets the share done,
    0..1, and the phase. ``accelerated``: None takes Embree where it is installed, True asks for it
    (``ImportError`` without), False does without.
    """
    clock = _Clock(progress)
    clock.enter(0.0, "light")
    light = PhotoLight.of(photo, room)
    field = LightField.of(light)
    light = calibrated(light, field)
    whole = Scene.of(placed)
    glassy = whole.see_through()
    scene = whole.keep(~glassy)
    lens = Lens.on(scene, room.camera)
    visibility = open_visibility(scene, accelerated)
    bounce = bounces(scene, field, light)
    gatherer = Gatherer(light, field, visibility, scene.face_normals(), bounce)
    clock.enter(0.1, "visibility")
    face_of = _face_map(visibility, lens, _outlines(whole, room))
    softness = softness_of(photo)
    borders = np.flatnonzero(edges(scene, lens, face_of, softness.margin_px))
    edge = Samples.of(visibility, lens, borders, softness.offsets())
    clock.enter(0.25, "gather")
    shader = Shader(
        scene, gatherer, gather_grid(scene, lens, face_of, gatherer), scene.face_tangents()
    )
    clock.enter(0.5, "shadows")
    shadows = (
        cast(whole, room.camera, face_of, gatherer, _shadow_area(face_of, edge)) if placed else None
    )
    clock.enter(0.75, "composite")
    painter = Painter(
        photo=photo,
        lens=lens,
        face_of=face_of,
        edge=edge,
        shader=shader,
        shadows=shadows,
        glass=_glass(whole.keep(glassy), room, gatherer, softness, accelerated),
        grain=Grain.of(photo, seed),
    )
    picture = painter.paint(lambda share: clock.enter(0.75 + 0.25 * share, "composite"))
    clock.enter(1.0, "")
    return Rendered(picture, (picture != photo).any(axis=2), clock.timings_ms)


def _outlines(scene: Scene, room: Room) -> NDArray[np.int64]:
    """Flat numbers of the pixels in the convex outline of each piece."""
    import cv2

    camera = room.camera
    mask = np.zeros((camera.height, camera.width), np.uint8)
    for piece in np.unique(scene.piece):
        corners = scene.vertices[np.unique(scene.faces[scene.piece == piece])]
        pixels = camera.project(corners.astype(np.float64))
        if np.isnan(pixels).any():
            mask[:] = 1
        else:
            limit = 4.0 * max(mask.shape)
            hull = cv2.convexHull(np.clip(pixels, -limit, limit).astype(np.float32))
            cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), (1,))
    return np.flatnonzero(cv2.dilate(mask, np.ones((5, 5), np.uint8)))


def _face_map(visibility: Visibility, lens: Lens, pixels: NDArray[np.int64]) -> NDArray[np.int32]:
    """The face (h, w) in the middle of every pixel, or ``NOTHING``."""
    found = np.full(lens.camera.height * lens.camera.width, NOTHING, np.int32)
    found[pixels] = visibility.seen(lens, pixels)
    return found.reshape(lens.camera.height, lens.camera.width)


def _shadow_area(face_of: NDArray[np.int32], edge: Samples) -> float:
    furniture = (face_of != NOTHING).ravel()
    furniture[edge.some()] = True
    return float(
        np.clip(CHANGED_AT_MOST - float(furniture.mean()) - SPARE, 0.002, SHADOW_AT_MOST - SPARE)
    )


def _glass(
    scene: Scene, room: Room, gatherer: Gatherer, softness: Softness, accelerated: bool | None
) -> Glass | None:
    if len(scene.faces) == 0:
        return None
    lens = Lens.on(scene, room.camera)
    visibility = open_visibility(scene, accelerated)
    samples = Samples.of(visibility, lens, _outlines(scene, room), softness.offsets())
    return Glass(scene, lens, samples, gatherer)
