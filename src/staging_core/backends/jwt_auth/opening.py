"""Opening ``jwt:``; the issuer is asked nothing yet, so it may be away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from staging_core.interfaces import OpenContext
from staging_core.models import Inspected
from staging_core.urls import BackendURL

from .authenticator import JwtAuth
from .discovery import Discovery
from .fetching import Fetching
from .key_set import TIMEOUT_S, KeySet
from .trust import Trust


@asynccontextmanager
async def open_jwt_auth(url: BackendURL, context: OpenContext) -> AsyncIterator[JwtAuth]:
    """An authenticator for the tokens of one issuer, until the context is left.

    ``jwt:https://issuer/?audience=…``; further options: ``roles_claim``, ``account_claim``,
    ``scopes_claim``, ``leeway_s``. ``SettingError`` for a URL that names no issuer to be trusted.
    """
    trust = Trust.parse(url)
    fetching = Fetching(proxied=trust.issuer.startswith("https://"))
    discovery = Discovery(trust, fetching)
    keys = KeySet(discovery.keys, context.clock)

    async def look() -> tuple[Inspected, ...]:
        return (await _looked(trust, Discovery(trust, fetching), context.clock()),)

    try:
        yield JwtAuth(trust, keys, look, context.clock)
    finally:
        await keys.aclose()
        await fetching.aclose()


async def _looked(trust: Trust, discovery: Discovery, now: float) -> Inspected:
    """What the issuer answers, for ``staging doctor``."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            keys = await discovery.keys(now)
    except Exception as error:
        told = str(error) or f"{trust.issuer} does not answer within {TIMEOUT_S:g} s"
        remedy = "Compare the issuer in the setting `auth`, and look at the network."
        return Inspected(name="issuer", level="wrong", message=f"{told}.", remedy=remedy)
    algorithms = sorted({name for key in keys for name in key.algorithms})
    told = f"{trust.issuer} publishes {len(keys)} usable keys for {', '.join(algorithms)}"
    return Inspected(name="issuer", level="ok", message=told)
