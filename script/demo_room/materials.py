"""Paints, lights and pictured surfaces as Cycles materials."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
Floats = NDArray[np.float32]


def paint(name: str, colour: Colour, roughness: float, bump: float = 0.0) -> bpy.types.Material:
    """A painted surface; ``bump`` is the depth of the roller's texture in metres."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1)
    shader.inputs["Roughness"].default_value = roughness
    if bump:
        place = nodes.new("ShaderNodeTexCoord")
        noise = nodes.new("ShaderNodeTexNoise")
        noise.inputs["Scale"].default_value = 130
        noise.inputs["Detail"].default_value = 3
        relief = nodes.new("ShaderNodeBump")
        relief.inputs["Distance"].default_value = bump
        relief.inputs["Strength"].default_value = 0.5
        links.new(place.outputs["Object"], noise.inputs["Vector"])
        links.new(noise.outputs["Fac"], relief.inputs["Height"])
        links.new(relief.outputs["Normal"], shader.inputs["Normal"])
    return material


def glowing(name: str, colour: Colour, strength: float) -> bpy.types.Material:
    """A surface that gives light."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    light = nodes.new("ShaderNodeEmission")
    light.inputs["Color"].default_value = (*colour, 1)
    light.inputs["Strength"].default_value = strength
    links.new(light.outputs[0], nodes["Material Output"].inputs["Surface"])
    material.cycles.emission_sampling = "NONE"  # only seen; the area lights give the light
    return material


def pictured(name: str, pixels: Floats, *, emit: float = 0.0) -> bpy.types.Material:
    """A material from linear pixels (h, w, 4): colour and, in the fourth channel, height 0..1."""
    high, wide = pixels.shape[:2]
    image = bpy.data.images.new(name, wide, high, alpha=True, float_buffer=True)
    image.colorspace_settings.name = "Non-Color"
    image.alpha_mode = "CHANNEL_PACKED"
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1], np.float32).ravel())
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = image
    texture.extension = "EXTEND"
    if emit:
        light = nodes.new("ShaderNodeEmission")
        light.inputs["Strength"].default_value = emit
        links.new(texture.outputs["Color"], light.inputs["Color"])
        links.new(light.outputs[0], nodes["Material Output"].inputs["Surface"])
        material.cycles.emission_sampling = "NONE"
        return material
    shader = nodes["Principled BSDF"]
    links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    varied = nodes.new("ShaderNodeMapRange")
    varied.inputs["To Min"].default_value, varied.inputs["To Max"].default_value = 0.36, 0.2
    links.new(texture.outputs["Alpha"], varied.inputs["Value"])
    links.new(varied.outputs["Result"], shader.inputs["Roughness"])
    relief = nodes.new("ShaderNodeBump")
    relief.inputs["Distance"].default_value = 0.0012
    relief.inputs["Strength"].default_value = 0.6
    links.new(texture.outputs["Alpha"], relief.inputs["Height"])
    links.new(relief.outputs["Normal"], shader.inputs["Normal"])
    return material
