"""The library's texts, read once from the TOML file beside this module."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec


class Passage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text on one line. ``name``: how prompts call the room or the style."""

    text: str
    name: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "text", " ".join(self.text.split()))


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked: ``text`` with ``{room}`` and ``{style}``, and how wishes are put."""

    text: str
    custom: str
    furniture: str


class Library(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of all texts; ``rooms`` and ``styles`` by their names in the catalog."""

    version: str
    structure: Passage
    task: Task
    placement: Passage
    rooms: Mapping[str, Passage]
    styles: Mapping[str, Passage]


@cache
def library() -> Library:
    """The current version."""
    text = files(__package__).joinpath("library.toml").read_bytes()
    return msgspec.toml.decode(text, type=Library)
