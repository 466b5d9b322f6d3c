"""``staging``: finds the command, runs it, and turns whatever goes wrong into words and a code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from . import commands
from .failure import report


class Commands(click.Group):
    """The commands by name; a command's module is imported when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our own; the plugins' would have to be imported to be known."""
        return [command.name for command in commands.builtin()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command of ours, else one of a plugin."""
        return commands.find(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest names where there is no such command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(commands.unknown(args[0]), ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of ``--help``, from what is declared."""
        with formatter.section("Commands"):
            formatter.write_dl([(command.name, command.summary) for command in commands.builtin()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="staging-core", prog_name="staging")
def group() -> None:
    """AI virtual staging of real-estate photos.

    \b
    staging demo
    staging stage empty.jpg --room living_room --style scandinavian -o staged.png

    Settings come from STAGING_* variables and staging.toml. Installed plugins may add commands;
    `staging plugins` lists them. Every command takes --json.
    """


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed or refused, 2 wrong use."""
    sys.exit(run(sys.argv[1:] if words is None else words))


def run(words: Sequence[str]) -> int:
    """Run the command line; its exit code."""
    try:
        code = group.main(list(words), prog_name="staging", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Exception, KeyboardInterrupt) as error:
        return report(error, as_json=_wants_json(words))


def _wants_json(words: Sequence[str]) -> bool:
    options = list(words)
    return "--json" in (options[: options.index("--")] if "--" in options else options)
