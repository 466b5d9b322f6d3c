"""``staging stage``: photos in, furnished photos out."""

from __future__ import annotations

from typing import Any

import click

from . import options
from .running import run

EXAMPLES = """\b
Examples:
  staging stage empty.jpg --room living_room --style scandinavian -o staged.png
  staging stage *.jpg --room bedroom --style modern --variants 3 -o staged
  staging stage empty.jpg --room dining_room --style japandi --seed 7 --json
"""


@click.command(epilog=EXAMPLES)
@options.photos
@options.wish
@click.option(
    "-o",
    "--output",
    help="A file (.png, .jpg, .webp), or a folder for several; else the working folder.",
)
@options.as_json
def command(photos: tuple[str, ...], output: str | None, as_json: bool, **wish: Any) -> int:
    """Furnish photos of empty rooms.

    Writes one picture for each photo and variant, as large as the photo. A photo that is refused
    keeps no other from being staged; the exit code is 1 then.
    """
    from .stage_photos import StagePhotos
    from .targets import Targets

    targets = Targets(output, photos, wish["variants"])
    return run(StagePhotos(photos, wish, targets, as_json).run)
