"""What a plugin declares: backends and commands, as data."""

from __future__ import annotations

import msgspec

from .card import ModelCard


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A backend for one URL scheme. Declaring it imports nothing.

    ``opens``: ``"module:function"`` of its ``Opener``. ``install``: the exact command that brings a
    missing package. ``requires_env``: variables it cannot do without. ``cards``: a stager's models;
    ``cards_from``: ``"module:function"`` that gives more of them, imported when somebody looks.
    ``in_memory``: a storage whose objects are gone when it closes.
    """

    scheme: str
    opens: str
    summary: str
    install: str = ""
    requires_env: tuple[str, ...] = ()
    cards: tuple[ModelCard, ...] = ()
    cards_from: str = ""
    in_memory: bool = False


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command ``staging NAME``; ``opens``: ``"module:attribute"`` of a click command."""

    name: str
    opens: str
    summary: str
