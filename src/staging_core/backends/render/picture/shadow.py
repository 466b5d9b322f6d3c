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

from .contact import Contacts
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
POINTS, RAYS = 30_000, 40
FAINTEST = 0.03
"""Shadows fainter than this share of the light are not drawn."""
REACH_M = (0.15, 1.0)
"""A shadow is whole up to the first distance from its piece and gone at the second."""
HIDDEN_CELLS = 3
CONTACT_M, SLACK_M = (0.03, 0.12), 0.002
"""So near to contacts light is gathered on a finer grid, and further for each of its steps."""


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
    """Light lost: ``far`` a coarse grid of all shadows, ``close`` what a finer adds at contacts.

    ``faintest``: how deep a shadow must be to be drawn, in each of the two.
    """

    far: ShadowGrid
    close: ShadowGrid
    faintest: tuple[float, float]

    def pixels(self) -> Bools:
        """Pixels (h, w) that a shadow may touch."""
        return _grown(self.far, self.faintest[0]) | _grown(self.close, self.faintest[1])

    def at(self, middles: Doubles) -> Floats:
        """Light lost (n, 3) at picture coordinates (n, 2), what is too faint taken off."""
        face, _ = self.far.bare.seen(middles)
        lost = garrote(self.far.at(middles, face)[0], self.faintest[0])
        return lost + (1 - lost) * garrote(self.close.at(middles, face)[0], self.faintest[1])


def cast(scene: Scene, camera: Camera, face_of: Ints, gatherer: Gatherer, area: float) -> Shadows:
    """The shadows around the furniture that ``face_of`` (h, w) shows.

    They cover at most ``area`` of the picture, a share 0..1.
    """
    light, exact = gatherer.light, gatherer.visibility.exact
    bare = Bare(camera, light.low, light.high)
    points, rays = (POINTS, RAYS) if exact else (POINTS // 3, RAYS // 2)
    step = max(3, int(np.ceil(np.sqrt(0.3 * face_of.size / points))))
    face, distance = _receivers(bare, face_of, step, Near.of(scene))
    far = ShadowGrid.gathered(bare, face_of, face, gatherer, step=step, rays=rays)
    far = replace(far, lost=far.lost * (1 - _ramp(distance, *REACH_M))[..., None]).smoothed(2, 8)
    contacts = Contacts.of(scene, light, CONTACT_M[1])
    fine, face = _touching(bare, face_of, contacts, points)
    close = ShadowGrid.gathered(bare, face_of, face, gatherer, step=fine, rays=rays)
    close = _added(close.smoothed(2, 4), far, contacts)
    faintest = _threshold(close, 0.5 * area)
    rest = area - float((_greatest(close.lost) > faintest).mean())
    return Shadows(far, close, (_threshold(far, rest), faintest))


def _added(close: ShadowGrid, far: ShadowGrid, contacts: Contacts) -> ShadowGrid:
    """What ``close`` knows of shadows at contacts beyond what ``far`` does."""
    y, x = np.nonzero(close.face >= 0)
    middles = grid_middles(y, x, close.step)
    face, points = close.bare.seen(middles)
    share = 1 - _ramp(contacts.distance(face, points), *CONTACT_M)
    more = np.maximum(close.lost[y, x] - far.at(middles, face)[0], 0) * share[:, None]
    lost = np.zeros_like(close.lost)
    lost[y, x] = more
    return replace(close, lost=lost)


def garrote(lost: Floats, threshold: float) -> Floats:
    """``lost`` (n, 3) that starts at zero at the threshold and keeps its deep parts.

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


def _touching(bare: Bare, face_of: Ints, contacts: Contacts, points: int) -> tuple[int, Ints]:
    """The finest step at which visible places near contacts are at most ``points``, and these.

    These: the box's face at every place of that grid, -1 where it is not near.
    """
    step = 4
    count = (_near_contacts(bare, face_of, contacts, step) >= 0).sum()
    step = int(np.clip(np.ceil(np.sqrt(count * step * step / points)), 1, 64))
    return step, _near_contacts(bare, face_of, contacts, step)


def _near_contacts(bare: Bare, face_of: Ints, contacts: Contacts, step: int) -> Ints:
    found = np.full(coarse(face_of, step).shape, -1, np.int32)
    y, x = np.nonzero(coarse(face_of, step) == NOTHING)
    face, points = bare.seen(grid_middles(y, x, step))
    near = contacts.distance(face, points) < CONTACT_M[1] + step * SLACK_M
    found[y, x] = np.where(near, face, -1)
    return found


def _grown(grid: ShadowGrid, faintest: float) -> Bools:
    """Pixels (h, w) in or next to a cell that is darker than ``faintest``."""
    import cv2

    some = cv2.dilate((_greatest(grid.lost) > faintest).astype(np.uint8), np.ones((3, 3), np.uint8))
    camera, step = grid.bare.camera, grid.step
    rows = np.minimum(np.arange(camera.height) // step, some.shape[0] - 1)
    columns = np.minimum(np.arange(camera.width) // step, some.shape[1] - 1)
    return np.asarray(some[rows][:, columns] > 0)


def _ramp(values: Floats, start: float, end: float) -> Floats:
    """0 up to ``start``, 1 from ``end``, smooth between."""
    share = np.clip((values - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _threshold(grid: ShadowGrid, area: float) -> float:
    """So high that what is deeper covers at most ``area`` of the picture."""
    depth = np.sort(np.where(grid.trust < 1, 0, _greatest(grid.lost)), axis=None)
    allowed = max(0, int(area * depth.size))
    return max(FAINTEST, float(depth[-allowed - 1])) if allowed < depth.size else FAINTEST
