"""What furnishing a room leads to: a layout, or no place for the main piece."""

from __future__ import annotations

from dataclasses import dataclass

from staging_core.backends.render.mesh import Placed


@dataclass(frozen=True, slots=True)
class Layout:
    """Pieces in the room, the main piece first; ``not_placed``: wishes without a place."""

    placed: tuple[Placed, ...]
    not_placed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoPlace:
    """The main piece fits nowhere; ``reason`` is one plain sentence."""

    reason: str
