"""Everything public stands in the reference."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import staging_core
from staging_core import testing
from staging_core.acting import Acting, Images, Jobs, Projects, Webhooks
from staging_core.api_keys import ApiKeys
from staging_core.blocking import Door
from staging_core.hooks import Hooks
from staging_core.models import SCOPES
from staging_core.operating import Operating
from staging_core.plugins import load_plugins
from staging_core.profile import OwnProfile
from staging_core.staging import Staging
from staging_core.telemetry import METRICS
from staging_core.testing import conformance
from staging_core.tickets import Tickets

REFERENCE = Path(__file__).resolve().parents[2] / "docs/reference"


def documented(page: str) -> set[str]:
    """Every word in code type on a page."""
    text = (REFERENCE / f"{page}.md").read_text("utf-8")
    return {word for code in re.findall(r"`([^`]+)`", text) for word in re.findall(r"\w+", code)}


def public(*kinds: type) -> set[str]:
    return {name for kind in kinds for name in vars(kind) if not name.startswith("_")}


def test_every_public_name_is_documented() -> None:
    assert set(staging_core.__all__) - {"__version__"} <= documented("python-api")


@pytest.mark.parametrize(
    "kind",
    [
        *(Acting, ApiKeys, Images, Jobs, OwnProfile, Projects, Tickets, Webhooks),
        *(Operating, Door, Staging),
    ],
    ids=lambda kind: kind.__name__,
)
def test_every_public_method_is_documented(kind: type) -> None:
    assert public(kind) - {"ports", "registry", "hooks"} <= documented("python-api")


def test_every_figure_is_documented_as_it_is() -> None:
    text = (REFERENCE / "telemetry.md").read_text("utf-8")
    row = r"^\| `([\w.]+)` \| (\w+) \| `(.+?)` \| (.*?) \| (.*) \|$"
    told = {
        (name, kind, unit, tuple(re.findall(r"\w+", labels)), description)
        for name, kind, unit, labels, description in re.findall(row, text, re.MULTILINE)
    }
    assert told == {
        (each.name, each.kind, each.unit, each.labels, each.description) for each in METRICS
    }


def test_every_scope_is_documented_in_its_words() -> None:
    text = (REFERENCE / "python-api.md").read_text("utf-8")
    assert dict(re.findall(r"^\| `(\w+:\w+)` \| (.*) \|$", text, re.MULTILINE)) == SCOPES


def test_every_suite_and_all_that_can_be_set_on_it_is_documented() -> None:
    suites = [getattr(conformance, name) for name in conformance.__all__ if name != "failures"]
    settable = {name for name in public(*suites) if not name.startswith("test_")} - {"kind"}
    names = {suite.__name__ for suite in suites} - {"Conformance", "Faults", "Outage"}
    faults = public(conformance.Faults, conformance.Outage)
    assert names | settable - faults <= documented("conformance")


def test_every_double_is_documented() -> None:
    assert set(testing.__all__) <= documented("conformance")


def test_every_command_is_documented() -> None:
    commands = {command.name for _, command in Hooks(load_plugins([])).commands()}
    text = (REFERENCE / "cli.md").read_text("utf-8")
    headings = re.findall(r"^## staging ([\w-]+)", text, re.MULTILINE)
    assert commands <= {*documented("cli"), *headings}
