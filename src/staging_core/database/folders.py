"""The name of an account where its id must not be seen."""

from __future__ import annotations

import hashlib


def folder(account_id: str) -> str:
    """The account's part of a storage key: says nothing of the id, is the same for ever."""
    return hashlib.sha256(account_id.encode()).hexdigest()[:32]
