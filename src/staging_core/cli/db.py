"""``staging db``: the database's schema."""

from __future__ import annotations

import os
from functools import partial

import click

from . import options
from .answer import say_json, say_line
from .running import run

EXAMPLES = """\b
Examples:
  staging db upgrade
  staging db upgrade --wait 300
  staging db upgrade --sql
"""


@click.group(epilog=EXAMPLES)
def command() -> None:
    """Bring the database's schema up to date."""


@command.command(epilog=EXAMPLES)
@click.option("--sql", is_flag=True, help="Only print what an administrator runs for the roles.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 86_400),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a database server that is not up yet.",
)
@options.as_json
def upgrade(sql: bool, wait_s: float, as_json: bool) -> None:
    """Apply the migrations that are missing.

    The embedded database is also upgraded whenever it is opened; PostgreSQL only here, as the owner
    that `database_admin` names, who also makes the two roles and gives them their rights. Where the
    owner may make no roles, an administrator runs what --sql prints, once, before this. Safe to
    repeat, and to run from several processes at once. It waits for a server that is starting.
    """
    if sql:
        statements = run(_role_statements)
        say_json({"statements": statements}) if as_json else say_line(";\n".join(statements) + ";")
        return
    before, after = run(partial(_upgrade, wait_s))
    if as_json:
        say_json({"before": before, "after": after})
    elif before == after:
        say_line(f"The schema is up to date ({after}).")
    else:
        say_line(f"The schema went from {before or 'nothing'} to {after}.")


async def _upgrade(wait_s: float) -> tuple[str | None, str | None]:
    from staging_core.config import Settings
    from staging_core.database import schema
    from staging_core.database.arrival import arrival
    from staging_core.database.engine import open_database

    settings = Settings.from_env(os.environ)
    await arrival(settings, wait_s=wait_s, tell=partial(click.echo, err=True))
    async with open_database(settings, owner=True) as database:
        return await schema.upgrade(database)


async def _role_statements() -> list[str]:
    from staging_core.config import Settings
    from staging_core.database import rights
    from staging_core.database.engine import open_database
    from staging_core.errors import SettingError

    settings = Settings.from_env(os.environ)
    async with open_database(settings, owner=True) as database:
        if database.dialect != "postgresql":
            raise SettingError(
                "Only PostgreSQL has roles.",
                remedy="Set STAGING_DATABASE to postgresql+asyncpg://USER@HOST/NAME.",
            )
        async with database.read() as tx:
            version = await rights.server_version(tx.connection)
        return rights.role_statements(rights.Roles.of(settings), version=version)
