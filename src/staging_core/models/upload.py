"""A photo on its way in."""

from __future__ import annotations

import msgspec


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that somebody may put, or has put, for staging.

    ``key`` names it in the account for ever; ``url`` is the address that it was let to be put at,
    without its signature, None for what came through us. ``content_type`` and ``size`` (bytes) are
    as announced. ``complete``: it is there and was looked at. ``expires_at``: when it goes unless
    an image uses it by then (Unix seconds), None when one does. ``replayed``: an idempotent repeat
    of an earlier call.
    """

    id: str
    account_id: str
    key: str
    filename: str
    content_type: str
    size: int
    url: str | None = None
    complete: bool = False
    created_at: float = 0.0
    expires_at: float | None = None
    replayed: bool = False
