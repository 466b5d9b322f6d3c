"""A trace of hooks shows names and times."""

from __future__ import annotations

import pytest

from staging_core.errors import (
    HookFailed,
)

from .hooked import (
    JOB,
    PICTURE,
    hooks,
    plugin,
)

pytestmark = pytest.mark.anyio


async def test_a_trace_shows_names_and_times_and_never_an_argument(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STAGING_TRACE_HOOKS", "1")

    def fail(statement: str) -> None:
        raise ValueError(statement)

    traced = hooks(plugin("one", label=lambda: None, stagers=lambda: []), plugin("two", label=fail))
    traced.providers("stager")
    with pytest.raises(HookFailed):
        await traced.label(JOB, PICTURE, "sesame")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0:2] for line in lines] == [
        ["staging_stagers", "one"],
        ["staging_label", "one"],
        ["staging_label", "two"],
    ]
    assert [line.split()[-1] for line in lines] == ["ok", "ok", "failed"]
    assert "sesame" not in "".join(lines)


async def test_without_the_variable_nothing_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await hooks(plugin(label=lambda: None)).label(JOB, PICTURE, "!")
    assert capsys.readouterr() == ("", "")
