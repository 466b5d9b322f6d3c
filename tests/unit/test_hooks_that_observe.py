"""Hooks that are told: of events, of the start and of the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from staging_core.errors import (
    HookFailed,
    Refused,
)
from staging_core.models import JobEvent

from .hooked import (
    EVENT,
    STAGING,
    Install,
    hooks,
    plugin,
)

pytestmark = pytest.mark.anyio


async def test_an_observer_sees_the_event_and_only_the_one_that_is_told() -> None:
    seen = []
    both = hooks(
        plugin("one", job_event=lambda event: seen.append(("one", event))),
        plugin("two", job_event=lambda event: seen.append(("two", event))),
        plugin("deaf", label=lambda: None),
    )
    assert both.observers() == ("one", "two")
    await both.observe("two", EVENT)
    assert seen == [("two", EVENT)]


@pytest.mark.parametrize("raised", [ValueError("disk full"), Refused("no")])
async def test_an_observer_that_raises_is_named_so_that_it_is_told_again(
    raised: Exception,
) -> None:
    async def fail(event: JobEvent) -> None:
        raise raised

    with pytest.raises(HookFailed, match=r"'acme' failed in staging_job_event") as failed:
        await hooks(plugin(job_event=fail)).observe("acme", EVENT)
    assert failed.value.__cause__ is raised


def journal(told: list[str], name: str, *, fail: str = "") -> object:
    """A plugin that writes down what it is told of, and raises at ``fail``."""

    def note(what: str) -> Callable[[Any], None]:
        def hook(staging: Any) -> None:
            assert staging is STAGING
            told.append(f"{what} {name}")
            if what == fail:
                raise ValueError(f"{name} cannot")

        return hook

    return plugin(name, startup=note("startup"), shutdown=note("shutdown"))


async def test_plugins_start_in_order_and_shut_down_in_reverse() -> None:
    told: list[str] = []
    both = hooks(journal(told, "one"), journal(told, "two"))
    await both.startup(STAGING)
    assert await both.shutdown(STAGING) == []
    assert told == ["startup one", "startup two", "shutdown two", "shutdown one"]


async def test_a_startup_that_fails_stops_the_opening_and_shuts_down_what_had_started() -> None:
    told: list[str] = []
    three = hooks(
        journal(told, "one"), journal(told, "two", fail="startup"), journal(told, "three")
    )
    with pytest.raises(HookFailed, match=r"'two' failed in staging_startup: .*two cannot"):
        await three.startup(STAGING)
    assert told == ["startup one", "startup two", "shutdown one"]


async def test_every_plugin_is_told_of_the_shutdown_whatever_the_others_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[str] = []
    both = hooks(journal(told, "one"), journal(told, "two", fail="shutdown"))
    await both.startup(STAGING)
    (failure,) = await both.shutdown(STAGING)
    assert "'two' failed in staging_shutdown" in failure.message
    assert told[-2:] == ["shutdown two", "shutdown one"]
    assert failure.message in caplog.text
    assert await both.shutdown(STAGING) == []


async def test_a_broken_observer_does_not_take_another_down(install: Install) -> None:
    install("@hookimpl\ndef staging_job_event(event):\n    1 / 0", name="broken")
    seen: list[JobEvent] = []

    def note(event: JobEvent) -> None:
        seen.append(event)

    both = hooks("broken", plugin("sound", job_event=note))
    assert both.observers() == ("broken", "sound")
    with pytest.raises(HookFailed, match="'broken'"):
        await both.observe("broken", EVENT)
    await both.observe("sound", EVENT)
    assert seen == [EVENT]
