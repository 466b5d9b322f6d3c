"""A synthetic room: its picture and all that is true of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera
from staging_core.backends.render.room import Opening, Room, Side, Wall

from .block import Block, draw_clutter
from .box import Box
from .fixture import draw_fixture
from .floors import FloorKind, draw_floor
from .layout import draw_layout, draw_openings, swing
from .light import draw_light
from .noise import Noise
from .photo import develop
from .scene import Scene
from .walls import draw_walls


@dataclass(frozen=True, slots=True)
class SyntheticRoom:
    """A picture and its truth.

    ``picture``: uint8 (h, w, 3), sRGB. ``floor``: bool (h, w), True where the centre of the pixel
    shows bare floor. ``openings``: all in the left, right and far walls, in view or not.
    ``swings``: for each door with a leaf the floor polygon (n, 2) in metres that it sweeps.
    """

    seed: int
    picture: NDArray[np.uint8]
    camera: Camera
    box: Box
    floor: NDArray[np.bool_]
    floor_kind: FloorKind
    openings: tuple[Opening, ...]
    swings: tuple[NDArray[np.float64], ...]

    def truth(self) -> Room:
        """The room as a perfect reader of the picture would report it."""
        return Room(
            camera=self.camera,
            left=self._wall("left", self.box.left_m),
            right=self._wall("right", self.box.right_m),
            far=self._wall("far", self.box.far_m),
            ceiling_m=self.box.ceiling_m,
            floor=self.floor,
            floor_px=visible_floor(self.camera, self.box),
            openings=self.openings,
            confidence=1.0,
        )

    def _wall(self, side: Side, at_m: float) -> Wall:
        return Wall(at_m=at_m, spread_m=0.0, seen=foot_in_view(self.camera, self.box, side))


def make_room(seed: int, *, width: int = 960, height: int = 640) -> SyntheticRoom:
    """Draw the empty room of a seed; the same arguments give the same bytes."""
    return _make(seed, width, height, cluttered=False)


def make_cluttered_room(seed: int, *, width: int = 960, height: int = 640) -> SyntheticRoom:
    """Draw a room whose floor is strewn with piles and tables: a stager should refuse it."""
    return _make(seed, width, height, cluttered=True)


def _make(seed: int, width: int, height: int, *, cluttered: bool) -> SyntheticRoom:
    rng = np.random.default_rng(seed)
    camera, box = draw_layout(rng, width, height)
    openings = draw_openings(rng, box)
    walls, floor = draw_walls(rng, box), draw_floor(rng)
    fixtures = tuple(draw_fixture(rng, opening, walls.trim) for opening in openings)
    light = draw_light(rng, box, fixtures, walls.spots, floor.albedo)
    blocks: tuple[Block, ...] = draw_clutter(rng, box) if cluttered else ()
    scene = Scene(camera, box, floor, walls, fixtures, light, blocks, Noise(rng))
    seen, blocked = scene.shoot()
    return SyntheticRoom(
        seed=seed,
        picture=develop(rng, seen),
        camera=camera,
        box=box,
        floor=floor_mask(camera, box) & ~blocked,
        floor_kind=floor.kind,
        openings=openings,
        swings=tuple(
            swing(box, fixture.opening, fixture.hinge_at_start)
            for fixture in fixtures
            if fixture.swings
        ),
    )


def floor_mask(camera: Camera, box: Box) -> NDArray[np.bool_]:
    """Bool (h, w): pixels whose centre lies on the floor of the empty box."""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    ground = camera.on_floor(np.stack([x, y], axis=-1))
    return np.asarray(
        (ground[..., 0] > box.left_m)
        & (ground[..., 0] < box.right_m)
        & (ground[..., 1] > box.near_m)
        & (ground[..., 1] < box.far_m)
    )


def visible_floor(camera: Camera, box: Box) -> NDArray[np.float64]:
    """Polygon (n, 2) in pixels of the floor that the picture shows.

    The floor rectangle is clipped by the five planes of the view in the room frame
    (Sutherland-Hodgman), so that no corner behind the camera is projected.
    """
    corners = [(box.left_m, box.near_m), (box.right_m, box.near_m)]
    corners += [(box.right_m, box.far_m), (box.left_m, box.far_m)]
    polygon = np.array([[x, y, -camera.height_m] for x, y in corners]) @ camera.rotation().T
    cx, cy = np.array(camera.centre) / camera.focal_px
    right, low = camera.width / camera.focal_px - cx, camera.height / camera.focal_px - cy
    for plane in ((1, 0, cx), (-1, 0, right), (0, 1, cy), (0, -1, low)):
        polygon = _clip(polygon, np.array(plane))
    seen: NDArray[np.float64] = polygon[:, :2] / polygon[:, 2:] * camera.focal_px + camera.centre
    return seen


def _clip(polygon: NDArray[np.float64], plane: NDArray[np.float64]) -> NDArray[np.float64]:
    side = polygon @ plane
    kept: list[NDArray[np.float64]] = []
    for i, point in enumerate(polygon):
        before = i - 1
        if (side[i] >= 0) != (side[before] >= 0):
            share = side[before] / (side[before] - side[i])
            kept.append(polygon[before] + share * (point - polygon[before]))
        if side[i] >= 0:
            kept.append(point)
    return np.array(kept).reshape(-1, 3)


def foot_in_view(camera: Camera, box: Box, side: Side) -> bool:
    """Whether the picture shows a wall's edge with the floor, over 3 % of the picture's width."""
    along = np.linspace(*box.extent(side)[:2], 200)
    fixed = np.full_like(along, box.plane(side)[1])
    x, y = (along, fixed) if side == "far" else (fixed, along)
    pixels = camera.project(np.stack([x, y, np.zeros_like(x)], axis=-1))
    size = np.array([camera.width, camera.height])
    seen = pixels[((pixels >= 0) & (pixels <= size)).all(axis=-1)]
    return bool(len(seen) > 1 and np.linalg.norm(seen[-1] - seen[0]) > 0.03 * camera.width)
