"""``staging db``: the database's schema."""

from __future__ import annotations

import os

import click

from . import options
from .answer import say_json, say_line
from .running import run

EXAMPLES = """\b
Examples:
  staging db upgrade
"""


@click.group(epilog=EXAMPLES)
def command() -> None:
    """Bring the database's schema up to date."""


@command.command(epilog=EXAMPLES)
@options.as_json
def upgrade(as_json: bool) -> None:
    """Apply the migrations that are missing.

    The embedded database is also upgraded whenever it is opened. Safe to repeat, and to run from
    several processes at once.
    """
    before, after = run(_upgrade)
    if as_json:
        say_json({"before": before, "after": after})
    elif before == after:
        say_line(f"The schema is up to date ({after}).")
    else:
        say_line(f"The schema went from {before or 'nothing'} to {after}.")


async def _upgrade() -> tuple[str | None, str | None]:
    from staging_core.config import Settings
    from staging_core.database import schema
    from staging_core.database.engine import open_database

    settings = Settings.from_env(os.environ)
    async with open_database(settings, owner=True) as database:
        return await schema.upgrade(database)
