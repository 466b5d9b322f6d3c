"""``staging demo``: the bundled photo in three styles."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from staging_core.cli import options
from staging_core.cli.answer import say_json, say_line
from staging_core.cli.running import run
from staging_core.models import check_style

EXAMPLES = """\b
Examples:
  staging demo
  staging demo -o /tmp/demo --style coastal --style luxury --seed 3
"""
STYLES = ("scandinavian", "modern", "japandi")
GALLERY = "gallery.html"


def _styles(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(check_style(value) for value in values)


@click.command(epilog=EXAMPLES)
@click.option(
    "-o", "--output", default="demo-out", show_default=True, help="Folder for gallery and pictures."
)
@click.option(
    "--style",
    "styles",
    multiple=True,
    default=STYLES,
    show_default=True,
    callback=_styles,
    help="May be repeated.",
)
@click.option("--seed", type=click.IntRange(1, 2**32 - 1), default=7, show_default=True)
@click.option("--open/--no-open", "opens", default=None, help="Show the gallery in a browser.")
@options.as_json
def command(
    output: str, styles: tuple[str, ...], seed: int, opens: bool | None, as_json: bool
) -> None:
    """Furnish a bundled photo in three styles and show the result.

    Needs no key and no network: it uses the offline renderer whatever the settings say, and keeps
    nothing but the folder that it writes.
    """
    from .show import Show

    folder = Path(output)
    results = run(Show(folder, styles, seed).run)
    gallery = folder / GALLERY
    if as_json:
        say_json({"gallery": str(gallery), "outputs": results})
    else:
        say_line(str(gallery))
    if opens or (opens is None and _has_desktop()):
        click.launch(str(gallery))


def _has_desktop() -> bool:
    """Somebody sits there: a terminal, and a screen for a browser."""
    if not sys.stdout.isatty() or os.environ.get("CI"):
        return False
    return sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
