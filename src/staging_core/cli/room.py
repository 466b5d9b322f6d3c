"""``staging room``: what the offline renderer sees in a photo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from . import options
from .answer import say_json, say_line
from .running import run

EXAMPLES = """\b
Examples:
  staging room empty.jpg
  staging room empty.jpg --overlay room.png
  staging room empty.jpg --json
"""


@click.command(epilog=EXAMPLES)
@click.argument("photo")
@click.option("--overlay", metavar="FILE", help="Write a picture of what was seen (.png, .jpg).")
@options.as_json
def command(photo: str, overlay: str | None, as_json: bool) -> None:
    """Show what the offline renderer sees in a photo.

    Camera, size and floor of the room, or why it cannot be read; a room that cannot is an answer,
    not a failure. Angles: pitch > 0 looks down, roll > 0 turns the horizon clockwise, yaw is from
    the optical axis to the nearest wall normal.
    """
    from .sight import Sight, check_overlay, see

    if overlay is not None:
        check_overlay(Path(overlay))
    sight: Sight = run(lambda: see(photo, os.environ))
    if overlay is not None:
        sight.save_overlay(Path(overlay))
    if as_json:
        say_json(sight.answer)
    else:
        _tell(sight.answer)


def _tell(answer: dict[str, Any]) -> None:
    confidence = f"confidence {answer['confidence']:.2f}"
    say_line(f"accepted, {confidence}" if answer["accepted"] else f"refused, {confidence}")
    if answer["reason"]:
        say_line(f"  {answer['reason']}")
    if answer["size_m"]:
        wide, deep, high = answer["size_m"]
        say_line(f"  size    {wide:.1f} x {deep:.1f} m, {high:.2f} m high")
    if answer["camera"]:
        camera = answer["camera"]
        angles = ", ".join(f"{name} {camera[f'{name}_deg']:.1f}" for name in _ANGLES)
        say_line(f"  camera  {camera['focal_px']:.0f} px; {angles} degrees")


_ANGLES = ("pitch", "roll", "yaw")
