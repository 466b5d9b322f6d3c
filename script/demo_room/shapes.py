"""Boxes, sheets and discs as Blender objects."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np


def box(
    low: Sequence[float], high: Sequence[float], material: bpy.types.Material, bevel: float = 0.0
) -> bpy.types.Object:
    """An axis-aligned box between two corners, its edges rounded by ``bevel``."""
    corners = [
        (x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])
    ]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new("box")
    mesh.from_pydata(corners, [], faces)
    mesh.materials.append(material)
    thing = bpy.data.objects.new("box", mesh)
    bpy.context.collection.objects.link(thing)
    if bevel:
        rounded = thing.modifiers.new("bevel", "BEVEL")
        rounded.width, rounded.segments = bevel, 3
    return thing


def sheet(corners: Sequence[Sequence[float]], material: bpy.types.Material) -> bpy.types.Object:
    """A rectangle with its picture upright: lower left, lower right, upper right, upper left."""
    mesh = bpy.data.meshes.new("sheet")
    mesh.from_pydata([tuple(corner) for corner in corners], [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new()
    for loop, at in zip(layer.data, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        loop.uv = at
    mesh.materials.append(material)
    thing = bpy.data.objects.new("sheet", mesh)
    bpy.context.collection.objects.link(thing)
    return thing


def disc(
    at: Sequence[float], radius: float, depth: float, material: bpy.types.Material, axis: str = "z"
) -> bpy.types.Object:
    """A short cylinder."""
    turn = {"x": (0, np.pi / 2, 0), "y": (np.pi / 2, 0, 0), "z": (0, 0, 0)}[axis]
    bpy.ops.mesh.primitive_cylinder_add(
        vertices=48, radius=radius, depth=depth, location=at, rotation=turn
    )
    thing = bpy.context.object
    thing.data.materials.append(material)
    rounded = thing.modifiers.new("bevel", "BEVEL")
    rounded.width, rounded.segments = min(depth, radius) * 0.2, 2
    return thing
