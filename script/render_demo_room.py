"""Render the bundled demo photo, an empty living room, with Blender's path tracer.

Run it in an environment of its own with Python 3.11, because the project does not need Blender:

    pip install bpy==5.0.1 numpy pillow
    python script/render_demo_room.py [--samples 28] [--width 1800] [-o FILE]

Takes about ten minutes on two cores. Metres; x right, y away from the camera, z up, as in the
stager's room frame. The camera's truth for the stager: focal length 1200 px at a width of 1800,
pitch 2, roll 0, yaw 8.5 degrees, height 1.3 m.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import bpy
import numpy as np
from demo_room.light import camera, daylight
from demo_room.materials import glowing, paint, pictured
from demo_room.room import FAR, LEFT, NEAR, RIGHT, WINDOWS, details, door, shell, skirting, window
from demo_room.shapes import sheet
from demo_room.textures import boards, garden
from PIL import Image

DEFAULT = Path(__file__).parents[1] / "src/staging_core/cli/demo/empty_room.jpg"
EXPOSURE = 0.12


def build() -> None:
    """Put the whole room into an empty scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rng = np.random.default_rng(7)
    wall = paint("wall", (0.74, 0.725, 0.695), 0.75, 0.0006)
    ceiling = paint("ceiling", (0.85, 0.85, 0.84), 0.85, 0.0004)
    trim = paint("trim", (0.84, 0.835, 0.82), 0.35)
    leaf = paint("leaf", (0.82, 0.815, 0.8), 0.38)
    frame = paint("frame", (0.83, 0.83, 0.82), 0.3)
    metal = paint("metal", (0.45, 0.44, 0.42), 0.3)
    metal.node_tree.nodes["Principled BSDF"].inputs["Metallic"].default_value = 1
    shell(wall, ceiling)
    skirting(trim)
    door(leaf, metal)
    for span in WINDOWS:
        window(span, frame, trim)
    details(trim, paint("dark", (0.2, 0.2, 0.2), 0.5), glowing("lamp", (1, 0.95, 0.88), 3.0))
    floor = pictured("floor", boards(rng, (RIGHT - LEFT, FAR - NEAR), 800))
    sheet([(LEFT, NEAR, 0), (RIGHT, NEAR, 0), (RIGHT, FAR, 0), (LEFT, FAR, 0)], floor)
    view = pictured("garden", garden(rng), emit=5.6)
    away = RIGHT + 9
    sheet([(away, 26, -3), (away, -2, -3), (away, -2, 9), (away, 26, 9)], view)
    daylight()
    camera()


def render(samples: int, width: int, target: Path) -> None:
    """Path trace, denoise, and save one picture as PNG."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, 1
    cycles.use_adaptive_sampling, cycles.adaptive_threshold = True, 0.015
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 7, 6, 3
    cycles.sample_clamp_indirect, cycles.blur_glossy = 6.0, 0.5
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = EXPOSURE
    scene.render.resolution_x, scene.render.resolution_y = width, width * 2 // 3
    scene.render.threads_mode, scene.render.threads = "FIXED", 2
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(target)
    bpy.ops.render.render(write_still=True)


def develop(source: Path, target: Path) -> None:
    """Brighten, add a trace of vignette and grain as a camera does, save without metadata."""
    picture = np.asarray(Image.open(source).convert("RGB"), np.float32)
    high, wide = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : high * 1j, -1 : 1 : wide * 1j]
    picture = 255 * (picture / 255) ** 0.88  # listing photos are developed bright
    picture = picture * (1 - 0.05 * (x * x + y * y) / 2)[..., None]
    picture += np.random.default_rng(3).normal(0, 0.9, picture.shape)
    clean = Image.fromarray(np.rint(np.clip(picture, 0, 255)).astype(np.uint8))
    target.parent.mkdir(parents=True, exist_ok=True)
    clean.save(target, quality=90, optimize=True, progressive=True)


def main() -> None:
    """Build, render and develop."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--samples", type=int, default=28)
    options.add_argument("--width", type=int, default=1800)
    options.add_argument("-o", "--output", type=Path, default=DEFAULT)
    chosen = options.parse_args()
    build()
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        render(chosen.samples, chosen.width, shot)
        develop(shot, chosen.output)


if __name__ == "__main__":
    main()
