"""Questions to a key set."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from staging_core.backends.jwt_auth.authenticator import JwtAuth
from staging_core.backends.jwt_auth.key_set import (
    KeySet,
)
from staging_core.testing import FakeClock
from staging_core.testing.issuer.signing_key import compact

from .conftest import World


def unknown(world: World) -> str:
    """A token with a random ``kid``, which no key has signed."""
    return world.issuer.signed(world.issuer.claims(), kid=secrets.token_hex(8))


def without_kid(world: World) -> str:
    """A good token whose header names no key."""
    key = world.issuer.keys[0]
    return compact({"alg": key.algorithm}, world.issuer.claims(), key)


async def settled(auth: JwtAuth) -> None:
    """Wait until nothing is being asked."""
    await auth._keys._answered()


@asynccontextmanager
async def keys_of(ask: Any, clock: FakeClock, timeout_s: float) -> AsyncIterator[KeySet]:
    keys = KeySet(ask, clock, timeout_s=timeout_s)
    try:
        yield keys
    finally:
        await keys.aclose()
