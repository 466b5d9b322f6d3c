"""Where the issuer's keys are, and how it signs."""

from __future__ import annotations

from typing import Any

from .fetching import Fetching, NotAnswered
from .published_key import PublishedKey, read_keys
from .trust import Trust

_FOUND_FOR_S = 3600.0


class Discovery:
    """Asks the issuer for its keys; where they are, only once in an hour."""

    def __init__(self, trust: Trust, fetching: Fetching) -> None:
        self._trust = trust
        self._fetching = fetching
        self._found: tuple[str, frozenset[str]] | None = None
        self._found_at = 0.0

    async def keys(self, now: float) -> tuple[PublishedKey, ...]:
        """The keys as they are published now; ``NotAnswered``."""
        fresh = 0 <= now - self._found_at < _FOUND_FOR_S
        found = self._found if fresh else None
        self._found = None  # unless it goes well: perhaps they have moved
        where, published = found or await self._discovered()
        try:
            keys = read_keys(await self._fetching.json(where), published)
        except ValueError as error:
            raise NotAnswered(f"{where} answers with no key set: {error}") from error
        self._found = (where, published)
        if found is None:
            self._found_at = now
        return keys

    async def _discovered(self) -> tuple[str, frozenset[str]]:
        """As OpenID Connect Discovery 1.0 says, or where issuers without it keep their keys."""
        issuer = self._trust.issuer
        try:
            document = await self._fetching.json(f"{issuer}/.well-known/openid-configuration")
        except NotAnswered as error:
            if not error.missing:
                raise
            return f"{issuer}/.well-known/jwks.json", frozenset()
        if document.get("issuer") not in self._trust.spellings:
            raise NotAnswered(f"{issuer} says in its discovery document that it is another issuer")
        where = document.get("jwks_uri")
        if not isinstance(where, str) or not self._trust.may_ask(where):
            raise NotAnswered(f"{issuer} keeps its keys where they are not fetched from")
        return where, _texts(document.get("id_token_signing_alg_values_supported"))


def _texts(value: Any) -> frozenset[str]:
    return frozenset(
        item for item in (value if isinstance(value, list) else []) if isinstance(item, str)
    )
