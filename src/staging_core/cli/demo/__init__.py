"""What ``staging demo`` shows: a photo of our own and one page with the results."""

from __future__ import annotations

from .command import command

__all__ = ["command"]
