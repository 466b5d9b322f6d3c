"""The keys that authenticators look up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .database import api_keys
from .models import KeyUse, Principal

if TYPE_CHECKING:
    from .database.engine import Database
    from .database.row import Row
    from .recent import Recent


class StoredKeys:
    """Implements ``KeyBook`` over the database: whose a key is can only be asked across accounts.

    A key acts as its user does today: with the role that was granted here, which a token's word at
    some sign-in never raises, and with the key's scopes.
    """

    def __init__(self, database: Database, recent: Recent) -> None:
        self._database = database
        self._recent = recent

    async def use(self, digest: str) -> KeyUse | None:
        """See ``KeyBook``; that it was used is written at most once a minute."""
        known: KeyUse | None = self._recent.get(digest)
        if known is not None:
            return known
        changes = self._recent.changes
        found = await self._found(digest)
        if found is not None and found.state == "valid":
            self._recent.keep(digest, found, changes=changes)
        return found

    async def _found(self, digest: str) -> KeyUse | None:
        async with self._database.read() as tx:
            row = await api_keys.by_digest(tx, digest)
            now = tx.now
        if row is None:
            return None
        if row["revoked_at"] is not None:
            return KeyUse(principal=_principal(row), state="revoked")
        if row["expires_at"] is not None and row["expires_at"] <= now:
            return KeyUse(principal=_principal(row), state="expired")
        if row["last_used_at"] is None or now - row["last_used_at"] >= api_keys.USED_EVERY_S:
            async with self._database.write(row["account_id"]) as tx:
                await api_keys.used(tx, row["id"])
        return KeyUse(principal=_principal(row))


def _principal(row: Row) -> Principal:
    return Principal(
        account_id=row["account_id"],
        user_id=row["user_id"],
        scopes=frozenset(row["scopes"]),
        role=row["role"],
        key_id=row["id"],
        expires_at=row["expires_at"],
    )
