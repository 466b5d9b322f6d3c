"""``local:`` knows one owner, who sits at this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from staging_core.errors import SettingError, Unauthorized
from staging_core.interfaces import OpenContext
from staging_core.models import Credentials, Principal
from staging_core.urls import BackendURL

OWNER = Principal(account_id="local", user_id="owner", role="operator")


class LocalAuth:
    """Implements ``Authenticator``: loopback without a token is the owner."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """The owner; None for a token, which is another's; ``Unauthorized`` from elsewhere."""
        if credentials.bearer is not None:
            return None
        if not credentials.loopback:
            raise Unauthorized(
                "Only this machine may connect without a token.",
                remedy="Connect through 127.0.0.1, or set `auth` to another authenticator.",
            )
        return OWNER


@asynccontextmanager
async def open_local_auth(url: BackendURL, context: OpenContext) -> AsyncIterator[LocalAuth]:
    """Open ``local:``; ``SettingError`` when the URL says more than that."""
    if url.path or url.options:
        raise SettingError(f"{url}: local sign-in takes no path and no options.")
    yield LocalAuth()
