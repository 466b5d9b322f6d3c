"""An installation behind a real server with API keys, and connections to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from staging_core import OWNER, Acting, Staging
from staging_core.models import SCOPES
from staging_embed import staging_app
from staging_embed.routes import GROUPS

from .listening import serving


class House(NamedTuple):
    """An open installation: its address, a key for its owner, and what the owner may do in it."""

    staging: Staging
    me: Acting
    url: str
    token: str

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        return int(self.url.rpartition(":")[2])


Open = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def house(tmp_path: Path) -> Open:
    """Opens the installation of this test, the same one each time; it works unless told not to."""

    @asynccontextmanager
    async def opened(*, port: int = 0, **settings: Any) -> AsyncIterator[House]:
        settings = {"stager": "fake:", "plugins": (), "auth": "keys:", "worker": True, **settings}
        settings = {"secret_key": "0123456789abcdef", **settings}
        async with Staging(home=tmp_path / "home", **settings) as staging:
            me = staging.acting_as(OWNER)
            token = (await me.keys.create("tests", scopes=SCOPES)).secret
            app = staging_app(staging, include=GROUPS.keys())
            async with serving(app, port=port) as url:
                yield House(staging, me, url, token)

    return opened
