"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from staging_core.models import check_room, check_style

F = TypeVar("F", bound=Callable[..., Any])
_MOST_VARIANTS = 20
_SEEDS = 2**32 - 1


def as_json(function: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")(function)


def photos(function: F) -> F:
    """``PHOTO...``: paths, looked at when they are read."""
    argument = click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
    return argument(function)


def wish(function: F) -> F:
    """What shall become of the photos; the keywords of ``Images.submit``."""
    for option in reversed(_WISH):
        function = option(function)
    return function


def _room(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """The catalog's spelling, before anything is opened; ``UnknownRoom`` names the nearest."""
    return check_room(value)


def _style(ctx: click.Context, param: click.Parameter, value: str) -> str:
    return check_style(value)


_WISH = (
    click.option(
        "--room", required=True, callback=_room, help="What the room is: living_room, bedroom ..."
    ),
    click.option(
        "--style", required=True, callback=_style, help="How it is furnished: modern, japandi ..."
    ),
    click.option(
        "--variants",
        type=click.IntRange(1, _MOST_VARIANTS),
        default=1,
        show_default=True,
        help="Pictures of each photo; their seeds count up.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(1, _SEEDS),
        help="Fixes every random choice: the same seed gives the same picture.",
    ),
    click.option("--furniture", multiple=True, help="A wished piece; may be repeated."),
    click.option("--prompt", help="What else is wished, for models that read it."),
    click.option("--model", help="One of the stagers of this installation; else its first."),
)
