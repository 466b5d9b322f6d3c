"""What furnishing a room leads to: a layout, or no place for the main piece."""

from __future__ import annotations

from dataclasses import dataclass

from ..mesh import Placed


@dataclass(frozen=True, slots=True)
class Layout:
    """Pieces in the room, the main piece first; ``not_placed``: requests as written that found no place."""

    placed: tuple[Placed, ...]
    not_placed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoPlace:
    """The main piece fits nowhere; ``reason`` is one plain sentence."""

    reason: str
