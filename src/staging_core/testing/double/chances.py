"""The chaos of a double, as its command line names it."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec


def add_chances(parser: argparse.ArgumentParser, calm: msgspec.Struct) -> None:
    """An option for each of the chances, whose defaults are those of ``calm``."""
    chaos = parser.add_argument_group("chaos", "probabilities from 0 to 1, and how bad it gets")
    for name, default in _chances(calm).items():
        option = "--" + name.replace("_", "-")
        chaos.add_argument(option, type=type(default), default=default, metavar="X")


def chances_in(asked: argparse.Namespace, calm: msgspec.Struct) -> dict[str, Any]:
    """Those that were asked for, by name."""
    return {name: getattr(asked, name) for name in _chances(calm)}


def _chances(calm: msgspec.Struct) -> dict[str, Any]:
    """What a command line can name: ``next``, a list of faults, it cannot."""
    named: dict[str, Any] = msgspec.to_builtins(calm)
    return {name: value for name, value in named.items() if name != "next"}
