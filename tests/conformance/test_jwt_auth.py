"""Tokens of an issuer pass the suite of every authenticator, against an issuer that misbehaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from staging_core import Settings
from staging_core.hooks import Hooks
from staging_core.interfaces import Authenticator
from staging_core.models import Credentials
from staging_core.plugins import load_plugins
from staging_core.registry import Registry
from staging_core.testing import FakeClock
from staging_core.testing.conformance import AuthConformance, Outage
from staging_core.testing.issuer import FAULTS, RunningIssuer, running_issuer


class Away:
    """The issuer's outage; its end is noticed once the cooldown is over."""

    def __init__(self, issuer: RunningIssuer, clock: FakeClock) -> None:
        self._issuer = issuer
        self._clock = clock

    async def begin(self) -> None:
        self._issuer.mode("outage")

    async def end(self) -> None:
        self._issuer.mode("well")
        self._clock.advance(10)


class TestJwtAuth(AuthConformance):
    issuer: ClassVar[RunningIssuer]
    clock: ClassVar[FakeClock]
    bad_urls = (
        "jwt:",
        "jwt:https://issuer/",
        "jwt:http://issuer.example/?audience=api",
        "jwt:https://issuer/?audience=api&colour=red",
    )

    @asynccontextmanager
    async def open(self, home: Path, url: Any = None) -> AsyncIterator[Authenticator]:
        hooks = Hooks(load_plugins(()))
        registry = Registry(hooks, Settings.from_keywords(home=home), clock=self.clock)
        async with AsyncExitStack() as stack:
            yield await registry.open("auth", url or self.url, stack=stack, role="api")

    def outage(self, auth: Authenticator) -> Outage:
        return Away(self.issuer, self.clock)


@pytest.fixture(autouse=True, scope="module")
def _issuer() -> Iterator[None]:
    suite = TestJwtAuth
    suite.clock = FakeClock()
    with running_issuer("/", clock=suite.clock) as suite.issuer:
        suite.url = suite.issuer.auth(account_claim="org_id")
        token = suite.issuer.token
        claims: dict[str, Any] = {"https://example.com/roles": ["admin"]}
        good = [
            token("ada", email="ada@example.com", name="Ada"),
            token("bob", org_id="acme", permissions=["staging:operator"]),
            token("eve", aud=[suite.issuer.audience, "other"], **claims),
        ]
        suite.mine = [Credentials(bearer=each) for each in good]
        wrong = {name: Credentials(bearer=token(fault=name), loopback=True) for name in FAULTS}
        suite.wrong = [wrong[name] for name, fault in FAULTS.items() if not fault.nobodys]
        suite.not_mine = [
            Credentials(),
            Credentials(loopback=True),
            *(wrong[name] for name, fault in FAULTS.items() if fault.nobodys),
        ]
        yield
