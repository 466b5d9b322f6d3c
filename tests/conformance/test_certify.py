"""``certify`` runs the suites over what is installed, in a process of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from staging_core.errors import PluginError
from staging_core.testing.certify import certify

SLOPPY = """
from staging_core.hookspecs import hookimpl

@hookimpl
def staging_job_event(event):
    open("seen", "x").close()
"""
LUNCH = """
from contextlib import asynccontextmanager
from staging_core.errors import SettingError
from staging_core.hookspecs import hookimpl
from staging_core.models import Provider, Quote

class Lunch:
    async def quote(self, order):
        return Quote(credits=order.images, rule="a lunch")

@asynccontextmanager
async def open_lunch(url, context):
    if not url.path:
        raise SettingError("The URL names no plan.")
    yield Lunch()

@hookimpl
def staging_billings():
    return [Provider(scheme="lunch", opens="lunch_module:open_lunch", summary="Lunch.")]
"""

DOORMAN = """
from contextlib import asynccontextmanager
from staging_core.hookspecs import hookimpl
from staging_core.models import Principal, Provider

class Doorman:
    async def authenticate(self, credentials):
        if credentials.bearer is None:
            return None
        return Principal(account_id="house", user_id="guest")

@asynccontextmanager
async def open_doorman(url, context):
    yield Doorman()

@hookimpl
def staging_authenticators():
    return [Provider(scheme="doorman", opens="doorman_module:open_doorman", summary="Lets all in.")]
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is importable here and in child processes."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def distribution(folder: Path, name: str, source: str) -> None:
    """Put a distribution with one plugin of that name into ``folder``."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[staging]\n{name} = {name}_module\n")
    (folder / f"{name}_module.py").write_text(source)


def test_what_a_project_does_to_its_own_tests_does_nothing_to_these(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/conftest.py").write_text("raise RuntimeError('not for certify')")
    monkeypatch.chdir(tmp_path)
    assert certify("staging-watermark") == 0


def test_a_sound_distribution_is_certified(capfd: pytest.CaptureFixture[str]) -> None:
    assert certify("staging-watermark") == 0

    assert "ok      watermark: 19 passed" in capfd.readouterr().out


def test_a_broken_plugin_is_not_certified_and_the_sentence_is_quoted(
    install: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    distribution(install, "sloppy", SLOPPY)

    assert certify("sloppy") == 1

    told = capfd.readouterr().out
    assert "not ok  sloppy: 16 passed, 3 failed" in told
    assert "The contract says: At least once, in order per job" in told


def test_a_backend_is_certified_with_the_url_that_is_given(
    install: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    distribution(install, "lunch", LUNCH)

    assert certify("lunch") == 1
    assert certify("lunch", urls={"lunch": "lunch:daily"}) == 0
    told = capfd.readouterr().out
    assert re.search(r"^ok      billing lunch daily: \d+ passed$", told, re.MULTILINE)


def test_an_authenticator_that_lets_everybody_in_is_not_certified(
    install: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    distribution(install, "doorman", DOORMAN)

    assert certify("doorman") == 1

    told = capfd.readouterr().out
    assert "not ok  auth doorman" in told
    assert "The contract says: None: not mine, ask the next" in told


def test_a_distribution_that_is_not_installed_is_named() -> None:
    with pytest.raises(PluginError, match="'no-such-thing' is not installed") as error:
        certify("no-such-thing")

    assert error.value.remedy == "Run: pip install no-such-thing"


def test_a_distribution_without_a_plugin_is_named() -> None:
    with pytest.raises(PluginError, match="'pluggy' has no plugin"):
        certify("pluggy")
