"""``staging users``: who has signed in, and which role they have."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from staging_core.models import ROLES, User, UserRole

from . import options
from .answer import say_json, say_line, say_table
from .operator import run_as_operator

if TYPE_CHECKING:
    from staging_core.operating import Operating

EXAMPLES = """\b
Examples:
  staging users list
  staging users list --email ada@example.com --json
  staging users grant 0b2f6c1e-3f0a-4f0e-9a43-0d8a54d3c7b1 operator
  staging users revoke 0b2f6c1e-3f0a-4f0e-9a43-0d8a54d3c7b1
"""


@click.group(epilog=EXAMPLES)
def command() -> None:
    """List users, give them roles and take roles back.

    A user is there from the first sign-in on. Roles: `member` works in the account, `admin` also
    looks after the account, `operator` also runs the whole installation.
    """


@command.command("list", epilog=EXAMPLES)
@click.option("--account", "account_id", metavar="ID", help="Only users of this account.")
@click.option("--email", metavar="ADDRESS", help="Only users with this address.")
@click.option("--role", type=click.Choice(ROLES), help="Only users who were granted this role.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@options.as_json
def list_(
    account_id: str | None, email: str | None, role: UserRole | None, limit: int, as_json: bool
) -> None:
    """List users, the newest first.

    Look at issuer and subject before you grant a role: a user may write any e-mail address into
    their profile.
    """

    async def read(operating: Operating) -> list[User]:
        return await operating.users(account_id=account_id, email=email, role=role, limit=limit)

    users = run_as_operator(read)
    if as_json:
        say_json({"users": users})
    else:
        head = ("user", "role", "email", "subject", "issuer", "account", "last seen")
        say_table(head, [_row(user) for user in users])


@command.command(epilog=EXAMPLES)
@click.argument("user_id", metavar="USER")
@click.argument("role", type=click.Choice(ROLES[1:]))
@click.option("--account", "account_id", metavar="ID", help="Where several have such a user.")
@options.as_json
def grant(user_id: str, role: UserRole, account_id: str | None, as_json: bool) -> None:
    """Give a user a role, beside what their tokens say."""
    _set(user_id, role, account_id, as_json)


@command.command(epilog=EXAMPLES)
@click.argument("user_id", metavar="USER")
@click.option("--account", "account_id", metavar="ID", help="Where several have such a user.")
@options.as_json
def revoke(user_id: str, account_id: str | None, as_json: bool) -> None:
    """Take back the role that a user was granted here.

    A role that their tokens carry is the issuer's to take back.
    """
    _set(user_id, "member", account_id, as_json)


def _set(user_id: str, role: UserRole, account_id: str | None, as_json: bool) -> None:
    async def act(operating: Operating) -> User:
        return await operating.grant(user_id, role, account_id=account_id)

    user = run_as_operator(act)
    if as_json:
        say_json(user)
    else:
        say_line(f"{user.id}: {user.role}")


def _row(user: User) -> tuple[object, ...]:
    seen = time.strftime("%Y-%m-%d %H:%M", time.localtime(user.last_seen_at))
    about = (user.email or "", user.subject or "", user.issuer or "", user.account_id)
    return (user.id, user.role, *about, seen)
