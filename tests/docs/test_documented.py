"""Every hook, error, setting, backend, model and command stands in the reference, and is right."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from staging_core import hookspecs
from staging_core.builtin import (
    staging_authenticators,
    staging_billings,
    staging_commands,
    staging_queues,
    staging_stagers,
    staging_storages,
)
from staging_core.config import SettingRow, Settings
from staging_core.config.sources import NOT_SETTINGS
from staging_core.models import ROOMS, STYLES, ModelCard, Plan, Provider
from staging_core.plugins import hook_names

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs/reference"


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text("utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of every table row on a page."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("|") and not line.startswith("|---")
    ]


@pytest.mark.parametrize("field", Plan.__struct_fields__)
def test_every_field_of_a_plan_is_documented(field: str) -> None:
    documented = {name for row in rows(page("settings")) for name in re.findall(r"`(\w+)`", row[0])}
    assert field in documented


# --- hooks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", hook_names())
def test_every_hook_has_a_section_with_its_arguments(hook: str) -> None:
    code = getattr(hookspecs, hook).__code__
    arguments = ", ".join(code.co_varnames[: code.co_argcount])
    assert f"### `{hook}({arguments})`\n" in page("hooks")


def test_no_hook_is_documented_that_does_not_exist() -> None:
    assert re.findall(r"^### `(staging_\w+)", page("hooks"), re.MULTILINE) == hook_names()


@pytest.mark.parametrize("field", Provider.__struct_fields__)
def test_every_field_of_a_provider_is_documented(field: str) -> None:
    assert f"| `{field}` |" in page("hooks")


# --- errors ---------------------------------------------------------------------------------------


@cache
def errors() -> dict[str, tuple[str, int | None]]:
    """Every error class of the core by its code, with its status where the class sets one."""
    found = {}
    for path in sorted((ROOT / "src/staging_core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                values = dict(_constants(node))
                if "code" in values:
                    found[values["code"]] = (node.name, values.get("status"))
    return found


def _constants(node: ast.ClassDef) -> list[tuple[str, Any]]:
    plain = [
        (item.targets[0] if isinstance(item, ast.Assign) else item.target, item.value)
        for item in node.body
        if isinstance(item, (ast.Assign, ast.AnnAssign))
    ]
    return [
        (target.id, value.value)
        for target, value in plain
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant)
    ]


def documented_errors() -> dict[str, list[str]]:
    return {row[0].strip("`"): row for row in rows(page("errors")) if len(row) >= 4}


@pytest.mark.parametrize("code", errors())
def test_every_error_is_documented_with_its_status_and_class(code: str) -> None:
    name, status = errors()[code]
    row = documented_errors()[code]
    assert row[2].endswith(f"`{name}`")
    assert status is None or row[1] == str(status)


def test_no_error_is_documented_that_does_not_exist() -> None:
    assert documented_errors().keys() - {"Code"} == errors().keys()


def test_the_search_for_errors_finds_those_outside_of_their_module() -> None:
    assert {"internal_error", "room_not_understood", "stager_missing"} <= errors().keys()


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", Settings.rows(), ids=lambda row: row.name)
def test_every_setting_is_documented_with_its_variable_and_default(setting: SettingRow) -> None:
    (row,) = [row for row in rows(page("settings")) if row[0] == f"`{setting.name}`"]
    if setting.name != "plugin_settings":
        assert row[1] == f"`{setting.variable}`"
    if setting.default not in (None, "", {}, ()) and setting.name not in (
        "picture_processes",
        "plans",
    ):
        assert row[2] == f"`{_written(setting.default)}`"
    assert row[3]


def _written(default: Any) -> str:
    if isinstance(default, tuple):
        return ", ".join(default)
    return f"{default:g}" if isinstance(default, float) and default < 1e5 else str(default)


def test_no_setting_is_documented_that_does_not_exist() -> None:
    named = {row[0].strip("`") for row in rows(page("settings")) if len(row) == 4}
    assert named - {"Setting"} == set(Settings.__struct_fields__)


def test_variables_that_are_not_settings_are_documented() -> None:
    for name in NOT_SETTINGS:
        assert f"| `{name}` |" in page("settings")


def test_every_variable_in_the_documentation_exists() -> None:
    known = {row.variable for row in Settings.rows()} | NOT_SETTINGS
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        named = set(re.findall(r"\bSTAGING_[A-Z_]+\b(?!\*)", path.read_text("utf-8")))
        assert {name for name in named if not name.endswith("_")} <= known, path


# --- backends and models --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "declared"),
    [
        ("stager", staging_stagers),
        ("storage", staging_storages),
        ("queue", staging_queues),
        ("auth", staging_authenticators),
        ("billing", staging_billings),
    ],
)
def test_every_backend_is_documented_under_its_setting(setting: str, declared: Any) -> None:
    listed: dict[str, set[str]] = {}
    kind = ""
    for row in rows(page("backends").split("## URLs")[0]):
        kind = row[0].strip("`") or kind
        listed.setdefault(kind, set()).add(row[1].strip("`").partition(":")[0])
    assert listed[setting] == {provider.scheme for provider in declared()}


CARDS = [card for provider in staging_stagers() for card in provider.cards]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_every_model_is_documented_as_its_card_says(card: ModelCard) -> None:
    text = page("models")
    table = rows(text)
    column = table[0].index(f"`{card.id}`")
    told = {row[0]: row[column] for row in table[:12]}
    assert f"\n## {card.id}\n" in text
    assert told["Rooms"] == (", ".join(card.rooms) or "all of the catalog")
    assert told["Styles"] == (", ".join(card.styles) or "all of the catalog")
    assert set(told["Honours"].split(", ")) == card.honours
    assert told["Smallest side"] == f"{card.sizes.min_side} pixels"
    assert told["Time limit"].startswith(f"{card.time_limit_s:g} s")
    assert told["At one time, per worker"].split(",")[0] == str(card.in_flight)
    assert told["Marked as"] == card.digital_source_type


def test_the_catalog_is_documented() -> None:
    table = {row[0]: row[1] for row in rows(page("models").split("## The catalog")[1])}
    assert table["Rooms"] == ", ".join(ROOMS)
    assert table["Styles"] == ", ".join(STYLES)


def test_every_field_of_a_card_is_documented() -> None:
    told = {
        name
        for row in rows(page("models").split("## What a card says")[1])
        for name in re.findall(r"`(\w+)`", row[0])
    }
    assert told == {field.name for field in msgspec.structs.fields(ModelCard)}


# --- commands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", staging_commands(), ids=lambda command: command.name)
def test_every_command_has_a_section(command: Any) -> None:
    assert re.search(rf"^#+ `?staging {command.name}\b", page("cli"), re.MULTILINE)
