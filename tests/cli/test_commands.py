"""Every command explains itself; plugins add commands by the same hook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from staging_core.cli import commands

from .conftest import Cli

NAMES = [command.name for command in commands.builtin()]


def leaves() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with its words."""
    for name in NAMES:
        found = commands.find(name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from (((name, sub), each) for sub, each in found.commands.items())
        else:
            yield (name,), found


@pytest.mark.parametrize(("words", "command"), list(leaves()), ids=str)
def test_every_command_has_examples_a_summary_and_json(
    words: tuple[str, ...], command: click.Command, cli: Cli
) -> None:
    ran = cli(*words, "--help")
    assert ran.code == 0
    assert "Examples:" in ran.out
    assert f"staging {words[0]}" in ran.out.partition("Examples:")[2]
    assert "--json" in ran.out
    assert command.help


def test_help_lists_the_commands_in_the_order_of_their_declaration(cli: Cli) -> None:
    listed = cli("--help").out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == NAMES


def test_a_misspelt_command_gets_the_nearest(cli: Cli) -> None:
    ran = cli("stge", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "wrong_use")
    assert "stage" in ran.json["error"]["message"]


@pytest.mark.parametrize("words", [(), ("jobs",), ("db",)], ids=str)
def test_a_group_alone_shows_its_help_and_is_wrong_use(words: tuple[str, ...], cli: Cli) -> None:
    ran = cli(*words)
    assert ran.code == 2
    assert ran.err.startswith("Usage: staging")


PLUGIN = """
import click
from staging_core import hookimpl
from staging_core.models import Command

@hookimpl
def staging_commands():
    return [
        Command(name="hello", opens="greeter:hello", summary="Say hello."),
        Command(name="broken", opens="greeter:missing", summary="Not there."),
        Command(name="number", opens="greeter:NUMBER", summary="No command at all."),
    ]

NUMBER = 7

@click.command()
@click.option("--json", "as_json", is_flag=True)
def hello(as_json):
    click.echo('{"hello": "world"}')
"""


@pytest.fixture
def greeter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed plugin with commands."""
    (folder / "greeter.py").write_text(PLUGIN)
    info = folder / "greeter-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[staging]\ngreeter = greeter\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("STAGING_PLUGINS", "greeter")
    yield
    sys.modules.pop("greeter", None)


@pytest.mark.usefixtures("greeter")
def test_a_plugin_s_command_runs_like_ours(cli: Cli) -> None:
    ran = cli("hello", "--json")
    assert (ran.code, ran.json) == (0, {"hello": "world"})
    (row,) = [row for row in cli("plugins", "--json").json["plugins"] if row["name"] == "greeter"]
    assert row["commands"] == ["hello", "broken", "number"]


@pytest.mark.usefixtures("greeter")
@pytest.mark.parametrize("name", ["broken", "number"])
def test_a_plugin_s_broken_command_names_the_plugin(name: str, cli: Cli) -> None:
    ran = cli(name, "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "plugin_broken")
    assert "'greeter'" in ran.json["error"]["message"]
    assert cli("jobs", "list", "--json").code == 0
