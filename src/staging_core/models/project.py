"""A project: images that belong together, such as those of one listing."""

from __future__ import annotations

import msgspec

from .place import Place


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A named part of an account. ``user_id``: who made it.

    ``replayed``: an idempotent repeat of an earlier call.
    """

    id: str
    account_id: str
    user_id: str
    name: str
    created_at: float = 0.0
    replayed: bool = False

    @property
    def place(self) -> Place:
        """Its place in the list of projects."""
        return Place(self.created_at, self.id)


class ProjectCost(msgspec.Struct, frozen=True, kw_only=True):
    """What the providers charged for a project's images, deleted ones too: it stays spent."""

    project_id: str
    total_usd: float
    images: int

    @property
    def average_usd(self) -> float:
        """Of one image; 0 without any."""
        return self.total_usd / self.images if self.images else 0.0
