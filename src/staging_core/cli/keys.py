"""``staging keys``: API keys, made by whoever sits at the installation's machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from staging_core.models import ROLES, SCOPES, ApiKey, NewApiKey

from . import options
from .answer import say_json, say_line, say_table
from .operator import Duration, run_as_operator

if TYPE_CHECKING:
    from staging_core.operating import Operating

EXAMPLES = """\b
Examples:
  staging keys create first --account house --user ada --role operator
  staging keys create camera --account acme --user bob --scope images:write --expires-in 90d
  staging keys list --account acme
  staging keys revoke 0b2f6c1e-3f0a-4f0e-9a43-0d8a54d3c7b1
"""


@click.group(epilog=EXAMPLES)
def command() -> None:
    """Make, list and revoke API keys.

    Programs sign in with them where the setting `auth` has `keys:`. Where it has nothing else, this
    is how the first one comes to be.
    """


@command.command(epilog=EXAMPLES)
@click.argument("name")
@click.option(
    "--account", "account_id", required=True, metavar="ID", help="Made unless it is there."
)
@click.option("--user", "user_id", required=True, metavar="ID", help="Made unless they are there.")
@click.option("--role", type=click.Choice(ROLES), help="Grant the user this role.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(list(SCOPES)),
    metavar="SCOPE",
    help="What the key may do; may be repeated. By default what having photos furnished needs, "
    "with --role admin or operator everything that the role may.",
)
@click.option(
    "--expires-in", "expires_in_s", type=Duration(), help="When it ends: 30d, 12h. Else never."
)
@options.as_json
def create(name: str, scopes: tuple[str, ...], as_json: bool, **whose: Any) -> None:
    """Make a key, and print it this once: only its hash is kept.

    The key acts as that user, in that account. It alone goes to stdout.
    """

    async def act(operating: Operating) -> tuple[NewApiKey, bool]:
        made = await operating.keys.create(name, scopes=scopes or None, **whose)
        return made, operating.keys.are_taken

    made, taken = run_as_operator(act)
    if as_json:
        say_json(made)
        return
    key = made.key
    say_line(made.secret)
    click.echo(f"The key {key.id} of {key.user_id} in {key.account_id}. Keep it now.", err=True)
    if not taken:
        click.echo("It opens nothing until STAGING_AUTH has `keys:`.", err=True)


@command.command("list", epilog=EXAMPLES)
@click.option("--account", "account_id", metavar="ID", help="Only keys of this account.")
@click.option("--user", "user_id", metavar="ID", help="Only keys of this user.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@options.as_json
def list_(account_id: str | None, user_id: str | None, limit: int, as_json: bool) -> None:
    """List keys, the newest first, also those that open nothing any more."""

    async def read(operating: Operating) -> list[ApiKey]:
        return await operating.keys.page(account_id=account_id, user_id=user_id, limit=limit)

    keys = run_as_operator(read)
    if as_json:
        say_json({"keys": keys})
    else:
        head = ("key", "begins", "state", "user", "account", "name", "last used", "scopes")
        say_table(head, [_row(key) for key in keys])


@command.command(epilog=EXAMPLES)
@click.argument("key_id", metavar="KEY")
@options.as_json
def revoke(key_id: str, as_json: bool) -> None:
    """Let a key, and those made with it, open nothing from now on."""

    async def act(operating: Operating) -> ApiKey:
        return await operating.keys.revoke(key_id)

    key = run_as_operator(act)
    if as_json:
        say_json(key)
    else:
        say_line(f"{key.id}: revoked")


def _row(key: ApiKey) -> tuple[object, ...]:
    used = "" if key.last_used_at is None else _day(key.last_used_at)
    about = (key.user_id, key.account_id, key.name, used, ",".join(key.scopes))
    return (key.id, key.prefix, _state(key), *about)


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return "valid"
    return "expired" if key.expires_at <= time.time() else f"until {_day(key.expires_at)}"


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(at))
