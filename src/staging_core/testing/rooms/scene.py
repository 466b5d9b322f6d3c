"""One synthetic room as drawn from a seed, and the light that reaches the camera from it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from staging_core.backends.render.camera import Camera

from .block import Block
from .box import Box, Floats, Patch, trace
from .fixture import Fixture
from .floors import Floor, floor_albedo
from .light import Light
from .noise import Noise
from .walls import Walls, ceiling_colours, wall_colours

SAMPLES = 2  # along each axis of a pixel


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is in a room."""

    camera: Camera
    box: Box
    floor: Floor
    walls: Walls
    fixtures: tuple[Fixture, ...]
    light: Light
    blocks: tuple[Block, ...]
    noise: Noise

    def shoot(self) -> tuple[Floats, NDArray[np.bool_]]:
        """Linear light (h, w, 3), and where a block hides the room, (h, w)."""
        wide, high = self.camera.width, self.camera.height
        rays, eye = _rays(self.camera, SAMPLES), self._eye()
        patches, distance = trace(self.box, eye, rays, 1 / (self.camera.focal_px * SAMPLES))
        light = np.zeros((len(rays), 3), np.float32)
        for patch in patches:
            light[patch.where] = self._shade(patch)
        hidden = self._stand(light, eye, rays, distance)
        fine = light.reshape(high * SAMPLES, wide * SAMPLES, 3)
        picture = np.asarray(
            cv2.resize(fine, (wide, high), interpolation=cv2.INTER_AREA), np.float32
        )
        blocked = np.asarray(hidden.reshape(high, SAMPLES, wide, SAMPLES).any(axis=(1, 3)))
        if self.floor.gloss:
            return picture + self._mirrored() * ~blocked[..., None], blocked
        return picture, blocked

    def _eye(self) -> Floats:
        return np.array([0.0, 0.0, self.camera.height_m], np.float32)

    def _shade(self, patch: Patch) -> Floats:
        light = self.light.on(self.box, patch)
        if patch.face == "floor":
            for block in self.blocks:
                light = light * _contact(block, patch)[:, None]
            return floor_albedo(self.floor, patch, self.noise) * light
        if patch.face == "ceiling":
            albedo, glow = ceiling_colours(self.walls, self.box, patch, self.noise)
        else:
            albedo, glow = wall_colours(self.walls, self.fixtures, self.box, patch, self.noise)
        return albedo * light + glow

    def _mirrored(self) -> Floats:
        """Light (h, w, 3) that a glossy floor mirrors, blurred by its roughness.

        Schlick's approximation of Fresnel's equations with F0 = 0.04.
        """
        shape, angle = (self.camera.height, self.camera.width), 1 / self.camera.focal_px
        rays = _rays(self.camera, 1)
        patches, _ = trace(self.box, self._eye(), rays, angle)
        light = np.zeros((len(rays), 4), np.float32)
        for floor in patches:
            if floor.face == "floor":
                light[floor.where, 3] = 1
                bounced = rays[floor.where] * np.array([1, 1, -1], np.float32)
                points = self.box.point("floor", floor.u, floor.v)
                for patch in trace(self.box, points, bounced, 2 * angle)[0]:
                    light[floor.where[patch.where], :3] = self._shade(patch)
        sigma = self.floor.roughness * shape[0]
        soft = cv2.GaussianBlur(
            light.reshape(*shape, 4), (0, 0), 0.5 + sigma * 0.4, None, 0.5 + sigma
        )
        return soft[..., :3] / np.maximum(soft[..., 3:], 1e-3) * self._fresnel(patches, shape)

    def _fresnel(self, patches: list[Patch], shape: tuple[int, int]) -> Floats:
        share = np.zeros(shape[0] * shape[1], np.float32)
        for patch in patches:
            if patch.face == "floor":
                share[patch.where] = self.floor.gloss * (0.04 + 0.96 * (1 - patch.cosine) ** 5)
        return share.reshape(*shape, 1)

    def _stand(
        self, light: Floats, eye: Floats, rays: Floats, distance: Floats
    ) -> NDArray[np.bool_]:
        hidden = np.zeros(len(rays), np.bool_)
        for block in self.blocks:
            near = _around(block, self.camera)
            away, normal = block.meet(eye, rays[near])
            front = away < distance[near]
            chosen = near[front]
            distance[chosen] = away[front]
            hidden[chosen] = True
            facing = normal[front] @ np.array([0.25, -0.4, 0.8], np.float32)
            tone = 0.55 + 0.35 * facing
            light[chosen] = block.albedo * (tone * self.light.ambient.mean() * 1.6)[:, None]
        return hidden


def _rays(camera: Camera, samples: int) -> Floats:
    """Rays (n, 3) of ``samples`` x ``samples`` samples a pixel, row by row."""
    x = ((np.arange(camera.width * samples) + 0.5) / samples).astype(np.float32)
    y = ((np.arange(camera.height * samples) + 0.5) / samples).astype(np.float32)
    corner, right, below = camera.rays(np.array([[0, 0], [1, 0], [0, 1]])).astype(np.float32)
    row = corner + y[:, None] * (below - corner)
    column = x[:, None] * (right - corner)
    rays: Floats = row[:, None] + column[None]
    return rays.reshape(-1, 3)


def _around(block: Block, camera: Camera) -> NDArray[np.int64]:
    """Samples (n,) in the rectangle around a block; all if partly behind the camera."""
    reach = float(np.linalg.norm(block.size[:2]) / 2)
    half = np.array([reach, reach, float(block.size[2]) / 2])
    signs = np.array(list(itertools.product((-1, 1), repeat=3)))
    pixels = camera.project(block.centre + signs * half) * SAMPLES
    size = np.array([camera.width, camera.height]) * SAMPLES
    if np.isnan(pixels).all():
        return np.empty(0, np.int64)
    if np.isnan(pixels).any():
        pixels = np.stack([np.zeros(2), size])
    (x0, y0), (x1, y1) = np.clip([pixels.min(axis=0), pixels.max(axis=0) + 1], 0, size).astype(int)
    samples: NDArray[np.int64] = np.arange(y0, y1)[:, None] * size[0] + np.arange(x0, x1)
    return samples.ravel()


def _contact(block: Block, patch: Patch) -> Floats:
    """The soft shadow that a block near the floor leaves on it, as a factor."""
    cos, sin = np.cos(block.turn), np.sin(block.turn)
    lifted = max(float(block.centre[2] - block.size[2] / 2), 0.0)
    x, y = patch.u - block.centre[0], patch.v - block.centre[1]
    reach = float(block.size[:2].max()) + 0.5
    near = np.flatnonzero((np.abs(x) < reach) & (np.abs(y) < reach))
    x, y = x[near], y[near]
    du = np.maximum(np.abs(x * cos + y * sin) - block.size[0] / 2, 0)
    dv = np.maximum(np.abs(y * cos - x * sin) - block.size[1] / 2, 0)
    kept = np.ones_like(patch.u)
    kept[near] -= 0.5 / (1 + 2 * lifted) * np.exp(-np.hypot(du, dv) / 0.1)
    return kept
