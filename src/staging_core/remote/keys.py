"""The acting user's API keys, over HTTP."""

from __future__ import annotations

import math
from collections.abc import Collection

import msgspec

from staging_core.api_keys import USUAL_SCOPES
from staging_core.errors import ValidationFailed
from staging_core.models import ApiKey, NewApiKey, Place, Principal

from .asked import in_path, in_query
from .pages import rows_of
from .told import KeyTold
from .wire import Wire

_NAMES = {"expires_in": "expires_in_s"}  # what the API calls it, and the library


class KeysTold(msgspec.Struct, frozen=True):
    """A page of keys."""

    keys: list[KeyTold]
    next_cursor: str | None

    def rows(self) -> list[KeyTold]:
        """See ``Page``."""
        return self.keys


class RemoteApiKeys:
    """As ``ApiKeys``."""

    def __init__(self, wire: Wire, principal: Principal) -> None:
        self._wire = wire
        self._principal = principal

    async def create(
        self,
        name: str,
        *,
        scopes: Collection[str] = USUAL_SCOPES,
        expires_in_s: float | None = None,
        idempotency_key: str | None = None,
    ) -> NewApiKey:
        """See ``ApiKeys.create``.

        When its answer was lost on the way, also ``AlreadyCreated``: the key is there, and nobody
        has it; revoke the one of that ``id``.
        """
        if expires_in_s is not None and not math.isfinite(expires_in_s):
            raise ValidationFailed(fields={"expires_in_s": "is a number of seconds."})
        body = {"name": name, "scopes": sorted(scopes), "expires_in": expires_in_s}
        try:
            told = await self._wire.create(KeyTold, "/api-keys", body, key=idempotency_key)
        except ValidationFailed as wrong:
            fields = {_NAMES.get(field, field): words for field, words in wrong.fields.items()}
            raise ValidationFailed(remedy=wrong.remedy, fields=fields) from wrong
        return NewApiKey(key=told.value.key(self._principal), secret=told.value.secret)

    async def page(
        self, *, everybodys: bool = False, limit: int = 50, before: ApiKey | Place | None = None
    ) -> list[ApiKey]:
        """See ``ApiKeys.page``."""
        place = before.place if isinstance(before, ApiKey) else before
        query = in_query(everybodys=everybodys or None)
        rows = await rows_of(self._wire, KeysTold, "/api-keys", query, before=place, limit=limit)
        return [row.key(self._principal) for row in rows]

    async def revoke(self, key_id: str) -> ApiKey:
        """See ``ApiKeys.revoke``."""
        told = await self._wire.send(KeyTold, "DELETE", f"/api-keys/{in_path('key', key_id)}")
        return told.key(self._principal)
