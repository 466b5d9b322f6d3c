"""A real issuer on loopback, and authenticators that trust it, by a clock that a test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from staging_core.backends.jwt_auth import open_jwt_auth
from staging_core.backends.jwt_auth.authenticator import JwtAuth
from staging_core.errors import SignInUnavailable, Unauthorized
from staging_core.models import Credentials, Principal
from staging_core.testing import FakeClock, FakeContext
from staging_core.testing.issuer import Issuer, running_issuer
from staging_core.urls import BackendURL


class World(NamedTuple):
    """An issuer, the clock that it shares with us, and what opens an authenticator for it."""

    issuer: Issuer
    clock: FakeClock
    auth_url: str
    home: Path

    @asynccontextmanager
    async def open(self, **options: str) -> AsyncIterator[JwtAuth]:
        """An authenticator that has asked nothing yet."""
        more = "".join(f"&{name}={value}" for name, value in options.items())
        context = FakeContext(self.home, clock=self.clock)
        async with open_jwt_auth(BackendURL.parse(self.auth_url + more), context) as auth:
            yield auth

    def fetched(self, ending: str = "jwks.json") -> int:
        """How often the issuer was asked."""
        return sum(fetch.path.endswith(ending) for fetch in self.issuer.fetches)


Start = Callable[..., World]
Opened = AbstractAsyncContextManager[JwtAuth]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts an issuer; ``path`` and settings as for ``running_issuer``."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def started(path: str = "/", **settings: object) -> World:
            clock = FakeClock()
            running = stack.enter_context(running_issuer(path, clock=clock, **settings))
            assert running.issuer is not None
            return World(running.issuer, clock, running.auth(), tmp_path)

        yield started


@pytest.fixture
def world(start: Start) -> World:
    """An issuer that behaves."""
    return start()


async def told(auth: JwtAuth, token: str) -> str:
    """``yes``, ``no``, ``not mine`` or ``later``: what the authenticator says of a token."""
    try:
        principal = await auth.authenticate(Credentials(bearer=token))
    except Unauthorized:
        return "no"
    except SignInUnavailable:
        return "later"
    return "not mine" if principal is None else "yes"


async def person(auth: JwtAuth, token: str) -> Principal:
    """The principal of a token that is taken."""
    principal = await auth.authenticate(Credentials(bearer=token))
    assert principal is not None
    return principal
