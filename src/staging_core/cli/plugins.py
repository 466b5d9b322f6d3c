"""``staging plugins``: who takes part."""

from __future__ import annotations

import os
from typing import Any

import click

from . import options
from .answer import say_json, say_table

EXAMPLES = """\b
Examples:
  staging plugins
  STAGING_PLUGINS=watermark,policy staging plugins --json
"""


@click.command(epilog=EXAMPLES)
@options.as_json
def command(as_json: bool) -> None:
    """List the plugins, and the hooks they take part in."""
    from staging_core.config import Settings
    from staging_core.hooks import Hooks
    from staging_core.plugins import load_plugins

    plugins = load_plugins(Settings.from_env(os.environ).plugins)
    commands: dict[str, list[str]] = {}
    for plugin, declared in Hooks(plugins).commands():
        commands.setdefault(plugin, []).append(declared.name)
    rows = [{**row._asdict(), "commands": commands.get(row.name, [])} for row in plugins.describe()]
    if as_json:
        say_json({"plugins": rows})
        return
    table = [
        (row["name"], f"{row['distribution']} {row['version']}".strip(), _parts(row))
        for row in rows
    ]
    say_table(("plugin", "from", "takes part in"), table)


def _parts(row: dict[str, Any]) -> str:
    """Its hooks without what all their names begin with, and its commands."""
    hooks = ", ".join(hook.removeprefix("staging_") for hook in row["hooks"])
    return f"{hooks} ({', '.join(row['commands'])})" if row["commands"] else hooks
