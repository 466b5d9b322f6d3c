"""The shadows that furniture casts on the floor and walls of the photo.

A shadow is the light gathered at a place with furniture over the light gathered without, on the
same rays: what the rays get wrong cancels. A threshold is subtracted (not cut), so that a
shadow fades to nothing without a step and covers a bounded part of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera

from .gather import Gatherer
from .photo_light import BEHIND, CEILING
from .scene import Scene
from .shadow_grid import Bare, ShadowGrid, coarse, grid_middles
from .vectors import dot
from .visibility import NOTHING

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
POINTS, RAYS, CONTACT_RAYS = 30_000, 40, 40
FAINTEST = 0.03
"""Shadows fainter than this share of the light are not drawn."""
REACH_M = (0.35, 1.3)
"""A shadow is whole up to the first distance from its piece and gone at the second."""
HIDDEN_CELLS = 3
CONTACT, CONTACT_M = (0.08, 0.2), (0.1, 0.3)
"""Where a shadow is that deep and a piece that near, it is gathered anew on a finer grid."""


@dataclass(frozen=True, slots=True)
class Near:
    """Boxes around the pieces, to know how far a place is from the nearest."""

    low: Floats
    high: Floats

    @classmethod
    def of(cls, scene: Scene) -> Near:
        corners = scene.corners()
        pieces = [corners[scene.piece == i].reshape(-1, 3) for i in np.unique(scene.piece)]
        low, high = ([end(p, axis=0) for p in pieces] for end in (np.min, np.max))
        return cls(np.stack(low), np.stack(high))

    def distance(self, points: Floats) -> Floats:
        """Metres (...,) from points (..., 3) to the nearest piece's box."""
        nearest = np.full(points.shape[:-1], np.inf, np.float32)
        for low, high in zip(self.low, self.high, strict=True):
            outside = np.maximum(np.maximum(low - points, points - high), 0)
            nearest = np.minimum(nearest, np.sqrt(dot(outside, outside)))
        return nearest


@dataclass(frozen=True, slots=True)
class Shadows:
    """Light lost: ``far`` a coarse grid of all shadows, ``contact`` a finer of the deep ones."""

    far: ShadowGrid
    contact: ShadowGrid
    near: Near
    threshold: float

    def pixels(self) -> Bools:
        """Pixels (h, w) that a shadow may touch."""
        import cv2

        some = (self.far.lost.max(axis=2) > self.threshold).astype(np.uint8)
        some = cv2.dilate(some, np.ones((3, 3), np.uint8))
        camera, step = self.far.bare.camera, self.far.step
        rows = np.minimum(np.arange(camera.height) // step, some.shape[0] - 1)
        columns = np.minimum(np.arange(camera.width) // step, some.shape[1] - 1)
        return np.asarray(some[rows][:, columns] > 0)

    def at(self, middles: Doubles) -> Floats:
        """Light lost (n, 3) at picture coordinates (n, 2), the threshold taken off."""
        face, points = self.far.bare.seen(middles)
        lost, _ = self.far.at(middles, face)
        deep = np.flatnonzero(_greatest(lost) > CONTACT[0])
        fine, known = self.contact.at(middles[deep], face[deep])
        share = _ramp(_greatest(lost[deep]), *CONTACT)
        share *= 1 - _ramp(self.near.distance(points[deep]), *CONTACT_M)
        lost[deep] += (fine - lost[deep]) * (share * (known > 0))[:, None]
        return garrote(lost, self.threshold)


def cast(scene: Scene, camera: Camera, face_of: Ints, gatherer: Gatherer, area: float) -> Shadows:
    """The shadows around the furniture that ``face_of`` (h, w) shows.

    They cover at most ``area`` of the picture, a share 0..1.
    """
    light, exact = gatherer.light, gatherer.visibility.exact
    points = POINTS if exact else POINTS // 3
    step = max(3, int(np.ceil(np.sqrt(0.3 * face_of.size / points))))
    bare = Bare(camera, light.low, light.high)
    near = Near.of(scene)
    face, distance = _receivers(bare, face_of, step, near)
    rays, contact_rays = (RAYS, CONTACT_RAYS) if exact else (RAYS // 2, RAYS // 2)
    far = ShadowGrid.gathered(bare, face_of, face, gatherer, step=step, rays=rays)
    far = replace(far, lost=far.lost * (1 - _ramp(distance, *REACH_M))[..., None]).smoothed(2, 8)
    wanted = (_greatest(far.lost) > CONTACT[0]) & (far.face >= 0) & (distance < CONTACT_M[1])
    fine = _finer(far, wanted, points)
    deep = _deep_places(far, wanted, face_of, fine)
    contact = ShadowGrid.gathered(bare, face_of, deep, gatherer, step=fine, rays=contact_rays)
    contact = contact.smoothed(2, 5)
    return Shadows(far, contact, near, _threshold(far, area))


def garrote(lost: Floats, threshold: float) -> Floats:
    """``lost`` (n, 3) that starts at zero at the threshold and keeps its deep parts as they are.

    The non-negative garrote (Breiman, 1995): a soft threshold that large values do not feel.
    """
    share = 1 - np.square(threshold / np.maximum(_greatest(lost), threshold))
    return np.asarray(np.clip(lost * share[:, None], 0, 0.97), np.float32)


def _greatest(lost: Floats) -> Floats:
    return np.maximum(np.maximum(lost[..., 0], lost[..., 1]), lost[..., 2])


def _receivers(bare: Bare, face_of: Ints, step: int, near: Near) -> tuple[Ints, Floats]:
    """For every ``step``-th pixel the box's face, -1 if not wanted, and metres to a piece."""
    import cv2

    covered = (coarse(face_of, step) != NOTHING).astype(np.uint8)
    rows, columns = np.indices(covered.shape).reshape(2, -1)
    face, points = bare.seen(grid_middles(rows, columns, step))
    distance = near.distance(points)
    size = 2 * HIDDEN_CELLS + 1
    deep = cv2.erode(covered, np.ones((size, size), np.uint8)) > 0
    idle = (face == CEILING) | (face == BEHIND) | (distance > REACH_M[1]) | deep.ravel()
    shown = np.where(idle, -1, face).astype(np.int32)
    return shown.reshape(covered.shape), distance.reshape(covered.shape)


def _finer(far: ShadowGrid, wanted: Bools, points: int) -> int:
    """The step at which deep shadows take at most half of ``points``."""
    area = (wanted & (far.trust == 1)).sum() * far.step**2
    return int(np.clip(np.ceil(np.sqrt(2 * area / points)), 1, far.step))


def _deep_places(far: ShadowGrid, wanted: Bools, face_of: Ints, step: int) -> Ints:
    """The box's face at every ``step``-th pixel in or next to a deep shadow, elsewhere -1."""
    import cv2

    wide = cv2.dilate(wanted.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    shape = coarse(face_of, step).shape
    rows = np.minimum((np.arange(shape[0]) * step + step // 2) // far.step, wide.shape[0] - 1)
    columns = np.minimum((np.arange(shape[1]) * step + step // 2) // far.step, wide.shape[1] - 1)
    found = np.full(shape, -1, np.int32)
    y, x = np.nonzero(wide[rows][:, columns] & (coarse(face_of, step) == NOTHING))
    face, _ = far.bare.seen(grid_middles(y, x, step))
    found[y, x] = np.where((face == CEILING) | (face == BEHIND), -1, face)
    return found


def _ramp(values: Floats, start: float, end: float) -> Floats:
    """0 up to ``start``, 1 from ``end``, smooth between."""
    share = np.clip((values - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _threshold(far: ShadowGrid, area: float) -> float:
    """So high that what is deeper covers at most ``area`` of the picture."""
    depth = np.sort(np.where(far.trust < 1, 0, _greatest(far.lost)), axis=None)
    allowed = int(area * depth.size)
    return max(FAINTEST, float(depth[-allowed - 1])) if allowed < depth.size else FAINTEST
