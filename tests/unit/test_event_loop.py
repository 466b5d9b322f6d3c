"""Our own processes run on uvloop where it is installed, as here."""

from __future__ import annotations

import asyncio
import sys

import pytest

from staging_core.cli.running import run
from staging_core.event_loop import new_event_loop


async def loop_here() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_a_command_runs_on_uvloop() -> None:
    assert run(loop_here) == "uvloop"


def test_without_uvloop_it_is_the_standard_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    loop = new_event_loop()
    loop.close()
    assert isinstance(loop, asyncio.SelectorEventLoop)
    assert run(loop_here).startswith("asyncio.")
