"""Daylight through the windows, and the camera."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from .materials import Colour
from .room import HEAD, NEAR, RIGHT, SILL, WINDOWS


def area(
    at: Sequence[float],
    size: tuple[float, float],
    watts: float,
    colour: Colour,
    turn: Sequence[float],
) -> None:
    """A soft light that the camera does not see."""
    light = bpy.data.lights.new("area", "AREA")
    light.shape, light.size, light.size_y = "RECTANGLE", size[0], size[1]
    light.energy, light.color = watts, colour
    thing = bpy.data.objects.new("area", light)
    thing.location, thing.rotation_euler = at, turn
    thing.visible_camera = thing.visible_glossy = False
    bpy.context.collection.objects.link(thing)


def daylight() -> None:
    """Sky through the windows, and the fill that the rest of the house gives from behind."""
    for start, end in WINDOWS:
        middle = ((start + end) / 2, (SILL + HEAD) / 2)
        area(
            (RIGHT + 0.158, *middle),
            (HEAD - SILL, end - start),
            150,
            (0.93, 0.97, 1.0),
            (0, np.pi / 2, 0),
        )
    area((0.5, NEAR - 0.25, 1.5), (4.4, 2.2), 15, (1.0, 0.97, 0.92), (-np.pi / 2, 0, 0))
    world = bpy.data.worlds.new("sky")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (0.8, 0.9, 1.0, 1)
    world.node_tree.nodes["Background"].inputs[1].default_value = 0.6
    bpy.context.scene.world = world


def camera() -> None:
    """24 mm equivalent, 1.3 m high, turned 8.5 degrees to the right and 2 degrees down.

    The lens is not shifted, so that the principal point is the middle of the picture.
    """
    lens = bpy.data.cameras.new("camera")
    lens.lens, lens.sensor_width = 24, 36
    thing = bpy.data.objects.new("camera", lens)
    thing.location = (0, 0, 1.3)
    thing.rotation_euler = (np.radians(88), 0, -np.radians(8.5))
    bpy.context.collection.objects.link(thing)
    bpy.context.scene.camera = thing
