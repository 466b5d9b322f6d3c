"""``keys:`` knows the API keys that users of the installation have made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from staging_core.errors import SettingError, Unauthorized
from staging_core.interfaces import AuthContext, KeyBook
from staging_core.models import Credentials, Principal
from staging_core.models.secret_token import KEY_PREFIX, digest_of, is_whole
from staging_core.urls import BackendURL

_WORDS = {"expired": "has expired", "revoked": "was revoked"}


class KeyAuth:
    """Implements ``Authenticator``: a bearer that begins as our keys do is a key."""

    def __init__(self, keys: KeyBook) -> None:
        self._keys = keys

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """The key's user, held to the key's scopes; None for all that is no key of this kind."""
        token = credentials.bearer
        if token is None or not token.startswith(KEY_PREFIX):
            return None
        if not is_whole(token, KEY_PREFIX):
            raise Unauthorized("This is not a whole API key.", remedy="Copy the key again.")
        use = await self._keys.use(digest_of(token))
        if use is None:
            raise Unauthorized("There is no such API key.", remedy="Make a new key.")
        if use.state != "valid":
            raise Unauthorized(f"This API key {_WORDS[use.state]}.", remedy="Make a new key.")
        return use.principal


@asynccontextmanager
async def open_key_auth(url: BackendURL, context: AuthContext) -> AsyncIterator[KeyAuth]:
    """Open ``keys:``; ``SettingError`` when the URL says more than that."""
    if url.path or url.options:
        raise SettingError(f"{url}: sign-in by API key takes no path and no options.")
    yield KeyAuth(context.keys)
