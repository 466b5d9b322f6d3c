"""A ``KeyBook`` that a test fills."""

from __future__ import annotations

from typing import Literal

from staging_core.models import KeyUse, Principal
from staging_core.models.secret_token import KEY_PREFIX, digest_of, new_token


class FakeKeys:
    """Knows the keys that a test made. ``used``: their digests, once for each look-up."""

    def __init__(self) -> None:
        self.used: list[str] = []
        self._uses: dict[str, KeyUse] = {}

    def add(
        self, principal: Principal, state: Literal["valid", "expired", "revoked"] = "valid"
    ) -> str:
        """A new key of the principal, as its user would hold it."""
        key = new_token(KEY_PREFIX)
        self._uses[digest_of(key)] = KeyUse(principal=principal, state=state)
        return key

    async def use(self, digest: str) -> KeyUse | None:
        """See ``KeyBook``."""
        self.used.append(digest)
        return self._uses.get(digest)
