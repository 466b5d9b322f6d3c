"""Asking addresses that others gave, as if every address were an attack."""

from __future__ import annotations

from .address import is_private, is_public
from .fetch import Downloads
from .post import Posted, Posts
from .target import Target, target

__all__ = ["Downloads", "Posted", "Posts", "Target", "is_private", "is_public", "target"]
