"""Installations whose people are vouched for by an authenticator that believes every token.

They are acted upon as they are, and over HTTP through a real server.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from staging_core import Credentials, Principal, Staging
from staging_core.models import Identity

Install = Callable[..., Staging]
ISSUER = "https://issuer.example"

in_the_process = pytest.mark.parametrize("way", ["in the process"], indirect=True)
both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


class Believes:
    """An authenticator: a token is the JSON of the principal that it names."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        if credentials.bearer is None:
            return None
        return msgspec.json.decode(credentials.bearer, type=Principal)


def token(subject: str = "ada", *, issuer: str = ISSUER, **claims: Any) -> Credentials:
    """A token of that person; ``account_id`` and ``role`` are the principal's."""
    named = {name: claims.pop(name) for name in ("account_id", "role") if name in claims}
    identity = Identity(issuer=issuer, subject=subject, **claims)
    principal = Principal(**{"account_id": "", **named}, user_id="", identity=identity)
    return Credentials(bearer=msgspec.json.encode(principal).decode())


@pytest.fixture
def install(
    tmp_path: Path, database: dict[str, Any], acted_upon: Callable[[Staging], Staging]
) -> Install:
    """Builds a ``Staging`` that only works when told to, on one database."""

    def build(**settings: Any) -> Staging:
        usual = {
            "plugins": (),
            "stager": "fake:",
            "auth": [Believes()],
            "secret_key": "0" * 16,
            **database,
        }
        staging = Staging(home=tmp_path / "home", worker=False, **{**usual, **settings})
        return acted_upon(staging)

    return build


async def signed_in(staging: Staging, credentials: Credentials) -> Principal:
    """The principal of credentials that are let in."""
    principal = await staging.authenticate(credentials)
    assert principal is not None
    return principal
