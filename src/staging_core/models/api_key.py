"""API keys: how programs sign in as the user who made them."""

from __future__ import annotations

from typing import Literal

import msgspec

from .place import Place
from .principal import Principal


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key, without the key itself. Times are Unix seconds.

    ``prefix``: how the key begins. ``scopes``: all that it may do, never more than its user.
    ``last_used_at``: to the minute. ``made_by``: the key that it was made with, whose end is its
    own; None: a person made it.
    """

    id: str
    account_id: str
    user_id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None
    made_by: str | None = None

    @property
    def place(self) -> Place:
        """Its place in the list of keys."""
        return Place(self.created_at, self.id)


class NewApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was just made. ``secret`` is shown this once; ``repr`` hides it."""

    key: ApiKey
    secret: str

    def __repr__(self) -> str:
        return f"NewApiKey(key={self.key!r}, secret='***')"


class KeyUse(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who shows a key is, and whether the key still opens anything."""

    principal: Principal
    state: Literal["valid", "expired", "revoked"] = "valid"
