"""Fetching what a provider gave as an address, as if the address were an attack."""

from __future__ import annotations

from .address import is_private, is_public
from .fetch import Downloads
from .target import Target, target

__all__ = ["Downloads", "Target", "is_private", "is_public", "target"]
