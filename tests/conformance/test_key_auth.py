"""API keys pass the suite of every authenticator, looked up in a database of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from staging_core import OWNER, Settings, Staging
from staging_core.database.engine import open_database
from staging_core.hooks import Hooks
from staging_core.interfaces import Authenticator
from staging_core.key_book import StoredKeys
from staging_core.models import Credentials
from staging_core.models.secret_token import KEY_PREFIX, new_token
from staging_core.plugins import load_plugins
from staging_core.recent import Recent
from staging_core.registry import Registry
from staging_core.testing.conformance import AuthConformance


class TestKeyAuth(AuthConformance):
    url = "keys:"
    not_mine = (Credentials(), Credentials(loopback=True), Credentials(bearer="e30.e30.e30"))
    bad_urls = ("keys:somebody", "keys:?colour=red")
    settled: ClassVar[Settings]

    @asynccontextmanager
    async def open(self, home: Path, url: Any = None) -> AsyncIterator[Authenticator]:
        registry = Registry(Hooks(load_plugins(())), self.settled)
        async with open_database(self.settled) as database, AsyncExitStack() as stack:
            registry.keys = StoredKeys(database, Recent())
            yield await registry.open("auth", url or self.url, stack=stack, role="api")


@pytest.fixture(autouse=True, scope="module")
def _keys(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("keys")
    TestKeyAuth.settled = Settings.from_keywords(home=home)

    async def make() -> None:
        async with Staging(home=home, plugins=(), stager="fake:", worker=False) as staging:
            keys = staging.acting_as(OWNER).keys
            good = [await keys.create(f"key {n}") for n in range(2)]
            revoked = await keys.create("revoked")
            await keys.revoke(revoked.key.id)
        TestKeyAuth.mine = [Credentials(bearer=key.secret) for key in good]
        wrong = [revoked.secret, new_token(KEY_PREFIX), good[0].secret[:-1], KEY_PREFIX]
        TestKeyAuth.wrong = [Credentials(bearer=secret) for secret in wrong]

    asyncio.run(make())
