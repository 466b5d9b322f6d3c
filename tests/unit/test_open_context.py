"""What a backend is told when it is opened, and whose tables the settings may hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from staging_core.config import Settings
from staging_core.errors import MissingSetting, SettingError
from staging_core.hooks import Hooks
from staging_core.interfaces import OpenContext
from staging_core.models import Order, Quote
from staging_core.plugins import load_plugins
from staging_core.registry import Registry
from staging_core.urls import BackendURL

Install = Callable[..., str]
pytestmark = pytest.mark.anyio


class Table(msgspec.Struct, frozen=True):
    limit: int = 3


async def test_a_backend_learns_its_secrets_its_table_the_time_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt: dict[str, object] = {}

    class Bills:
        async def quote(self, order: Order) -> Quote:
            return Quote()

    @asynccontextmanager
    async def open_mine(url: BackendURL, context: OpenContext) -> AsyncIterator[Bills]:
        learnt["environment"] = context.secret("ACME_KEY")
        learnt["given"] = context.secret("ACME_OTHER")
        learnt["table"] = context.settings(Table)
        learnt["time"] = context.clock()
        learnt["home"] = context.home
        with pytest.raises(MissingSetting, match="ACME_NONE"):
            context.secret("ACME_NONE")
        with pytest.raises(MissingSetting, match="ACME_EMPTY"):
            context.secret("ACME_EMPTY")
        yield Bills()

    monkeypatch.setenv("ACME_KEY", "from the environment")
    made = Registry(
        Hooks(load_plugins([])),
        Settings.from_keywords(home=tmp_path),
        secrets={"ACME_KEY": "given", "ACME_OTHER": "given", "ACME_EMPTY": ""},
        clock=lambda: 7.0,
    )
    async with AsyncExitStack() as stack:
        await made.open("billing", open_mine, stack=stack, role="tool")
    assert learnt == {
        "environment": "from the environment",
        "given": "given",
        "table": Table(),
        "time": 7.0,
        "home": tmp_path,
    }


def with_table(name: str) -> Registry:
    settings: Any = {"plugin_settings": {name: {"text": "Virtual"}}}
    return Registry(Hooks(load_plugins([])), Settings.from_keywords(**settings))


def test_a_table_for_a_plugin_that_does_not_exist_is_a_misspelt_name(install: Install) -> None:
    install("", name="watermark")
    with pytest.raises(SettingError, match=r"\[plugins\.watermrak\]") as failed:
        with_table("watermrak")
    assert "Did you mean watermark?" in failed.value.remedy


def test_a_table_for_a_plugin_that_is_switched_off_may_stay(install: Install) -> None:
    install("", name="watermark")
    assert with_table("watermark")
