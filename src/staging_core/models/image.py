"""An image: one wished output of one original; a group: the variants asked for together."""

from __future__ import annotations

import msgspec

from .job import Job
from .place import Place
from .request import StageRequest

MOST_OF_ONE = 200
"""Images of one original in a list by originals: its first one, and the newest of all others."""

FULL = 2_000
"""Images with which a page of originals ends, however many of them were asked for."""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """One output, wished or delivered.

    ``job`` is its newest job. Keys name objects in the storage: ``original_key`` the byte-identical
    original, ``staged_key`` the clean result, ``labelled_key`` a copy that a plugin labelled,
    ``thumbnail_key`` a small one that somebody has asked for. ``width``, ``height``, ``sha256`` are
    the staged picture's, None until it is ready; ``original_sha256`` is empty until a worker has
    read what was uploaded past us. ``original_url`` and ``filename``: how the client named the
    photo. ``handle``: how the provider knows the job's newest prediction. ``replayed``:
    an idempotent repeat of an earlier call.
    """

    id: str
    group_id: str
    original_id: str
    request: StageRequest
    job: Job
    original_key: str
    original_sha256: str
    staged_key: str | None = None
    labelled_key: str | None = None
    content_type: str | None = None
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    created_at: float = 0.0
    thumbnail_key: str | None = None
    project_id: str | None = None
    original_type: str = ""
    original_url: str | None = None
    filename: str | None = None
    handle: str | None = None
    replayed: bool = False

    @property
    def place(self) -> Place:
        """Its place in the list of images."""
        return Place(self.created_at, self.id)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Images submitted together. ``replayed``: an idempotent repeat of an earlier submit."""

    id: str
    account_id: str
    images: tuple[Image, ...]
    replayed: bool = False
