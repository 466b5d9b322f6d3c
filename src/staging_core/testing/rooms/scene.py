"""One synthetic room as drawn from a seed, and the light that reaches the camera from it."""

from __future__ import annotations

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
        camera = self.camera
        wide, high = camera.width * SAMPLES, camera.height * SAMPLES
        rays = _rays(camera, wide, high)
        eye = np.array([0.0, 0.0, camera.height_m], np.float32)
        patches, distance = trace(self.box, eye, rays, 1 / (camera.focal_px * SAMPLES))
        light = np.zeros((wide * high, 3), np.float32)
        for patch in patches:
            light[patch.where] = self._shade(patch)
        if self.floor.gloss:
            self._mirror(light, rays, patches, (high, wide))
        hidden = self._stand(light, eye, rays, distance)
        size = (camera.width, camera.height)
        picture = cv2.resize(light.reshape(high, wide, 3), size, interpolation=cv2.INTER_AREA)
        blocked = hidden.reshape(camera.height, SAMPLES, camera.width, SAMPLES).any(axis=(1, 3))
        return np.asarray(picture, np.float32), blocked

    def _shade(self, patch: Patch) -> Floats:
        light = self.light.on(self.box, patch)
        if patch.face == "floor":
            for block in self.blocks:
                light *= _contact(block, patch)[:, None]
            return floor_albedo(self.floor, patch, self.noise) * light
        if patch.face == "ceiling":
            albedo, glow = ceiling_colours(self.walls, self.box, patch, self.noise)
        else:
            albedo, glow = wall_colours(self.walls, self.fixtures, self.box, patch, self.noise)
        return albedo * light + glow

    def _mirror(
        self, light: Floats, rays: Floats, patches: list[Patch], shape: tuple[int, int]
    ) -> None:
        """Add what a glossy floor mirrors, blurred by its roughness (Schlick's Fresnel, F0 = 0.04)."""
        floor = next((patch for patch in patches if patch.face == "floor"), None)
        if floor is None:
            return
        bounced = rays[floor.where] * np.array([1, 1, -1], np.float32)
        points = self.box.point("floor", floor.u, floor.v)
        seen, _ = trace(self.box, points, bounced, 2 / (self.camera.focal_px * SAMPLES))
        mirrored = np.zeros((light.shape[0], 4), np.float32)
        for patch in seen:
            mirrored[floor.where[patch.where], :3] = self._shade(patch)
        mirrored[floor.where, 3] = 1
        sigma = self.floor.roughness * shape[1] / 2
        soft = cv2.GaussianBlur(
            mirrored.reshape(*shape, 4), (0, 0), sigmaX=0.5 + sigma * 0.4, sigmaY=0.5 + sigma
        ).reshape(-1, 4)[floor.where]
        fresnel = self.floor.gloss * (0.04 + 0.96 * (1 - floor.cosine) ** 5)
        light[floor.where] += soft[:, :3] / np.maximum(soft[:, 3:], 1e-3) * fresnel[:, None]

    def _stand(
        self, light: Floats, eye: Floats, rays: Floats, distance: Floats
    ) -> NDArray[np.bool_]:
        hidden = np.zeros(len(rays), np.bool_)
        for block in self.blocks:
            near = np.flatnonzero(_around(block, self.camera, rays.shape[0]))
            away, normal = block.meet(eye, rays[near])
            front = away < distance[near]
            chosen = near[front]
            distance[chosen] = away[front]
            hidden[chosen] = True
            facing = normal[front] @ np.array([0.25, -0.4, 0.8], np.float32)
            tone = 0.55 + 0.35 * facing
            light[chosen] = block.albedo * (tone * self.light.ambient.mean() * 1.6)[:, None]
        return hidden


def _rays(camera: Camera, wide: int, high: int) -> Floats:
    x, y = np.meshgrid(
        (np.arange(wide, dtype=np.float32) + 0.5) / SAMPLES,
        (np.arange(high, dtype=np.float32) + 0.5) / SAMPLES,
    )
    right, down, forward = camera.rotation().astype(np.float32) / np.array(
        [[camera.focal_px], [camera.focal_px], [1]], np.float32
    )
    cx, cy = camera.centre
    rays = (x - cx)[..., None] * right + (y - cy)[..., None] * down + forward
    return np.asarray(rays, np.float32).reshape(-1, 3)


def _around(block: Block, camera: Camera, samples: int) -> NDArray[np.bool_]:
    """Samples (n,) in the picture rectangle around a block; all if it reaches behind the camera."""
    corners = np.array([[u, v, w] for u in (-1, 1) for v in (-1, 1) for w in (-1, 1)])
    reach = float(np.linalg.norm(block.size[:2]) / 2)
    half = np.array([reach, reach, float(block.size[2]) / 2])
    pixels = camera.project(block.centre + corners * half) * SAMPLES
    wide, high = camera.width * SAMPLES, camera.height * SAMPLES
    if np.isnan(pixels).any():
        return np.ones(samples, np.bool_)
    x0, y0 = np.clip(np.floor(pixels.min(axis=0)), 0, (wide, high)).astype(int)
    x1, y1 = np.clip(np.ceil(pixels.max(axis=0)) + 1, 0, (wide, high)).astype(int)
    mask = np.zeros((high, wide), np.bool_)
    mask[y0:y1, x0:x1] = True
    return mask.reshape(-1)


def _contact(block: Block, patch: Patch) -> Floats:
    """The soft shadow that a block near the floor leaves on it, as a factor."""
    cos, sin = np.cos(block.turn), np.sin(block.turn)
    x, y = patch.u - block.centre[0], patch.v - block.centre[1]
    du = np.maximum(np.abs(x * cos + y * sin) - block.size[0] / 2, 0)
    dv = np.maximum(np.abs(y * cos - x * sin) - block.size[1] / 2, 0)
    lifted = max(float(block.centre[2] - block.size[2] / 2), 0.0)
    away = np.hypot(du, dv) / (0.1 + lifted / 2)
    return np.asarray(1 - 0.5 * np.exp(-away) / (1 + 2 * lifted), np.float32)
