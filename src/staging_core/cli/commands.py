"""Which commands there are: ours as data, the plugins' only when a name is not one of ours."""

from __future__ import annotations

import os
from importlib import import_module

import click

from staging_core.builtin import staging_commands
from staging_core.errors import PluginError
from staging_core.models import Command


def builtin() -> tuple[Command, ...]:
    """Our own, declared by the hook that plugins use; called directly, which imports nothing."""
    return tuple(staging_commands())


def find(name: str) -> click.Command | None:
    """The command of that name, imported; None when there is none."""
    for command in builtin():
        if command.name == name:
            return _opened(command, "staging-core")
    for plugin, command in _of_plugins():
        if command.name == name:
            return _opened(command, plugin)
    return None


def unknown(name: str) -> str:
    """What to say of a command that does not exist."""
    from staging_core.nearest import nearest

    names = [command.name for _, command in _of_plugins()]
    return f"There is no command {name!r}. {nearest(name, names)}"


def _of_plugins() -> list[tuple[str, Command]]:
    """All commands, ours and those of this installation's plugins."""
    from staging_core.config import Settings
    from staging_core.hooks import Hooks
    from staging_core.plugins import load_plugins

    settings = Settings.from_env(os.environ)
    return Hooks(load_plugins(settings.plugins)).commands()


def _opened(command: Command, plugin: str) -> click.Command:
    module, _, name = command.opens.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (Exception, SystemExit) as error:
        if plugin == "staging-core":
            raise
        raise PluginError(
            f"The command {command.name!r} of the plugin {plugin!r} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(found, click.Command):
        raise PluginError(
            f"The command {command.name!r} of the plugin {plugin!r} is not a click command."
        )
    return found
