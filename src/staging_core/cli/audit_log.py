"""``staging audit-log``: who did what to what."""

from __future__ import annotations

import time
from typing import Any

import click

from staging_core.models import AUDIT_ACTIONS, AuditEntry

from . import options
from .answer import say_json, say_table
from .operator import Duration, run_as_operator

EXAMPLES = """\b
Examples:
  staging audit-log
  staging audit-log --action role.granted --since 30d
  staging audit-log --target 0b2f6c1e-3f0a-4f0e-9a43-0d8a54d3c7b1 --json
"""


@click.command(epilog=EXAMPLES)
@click.option("--action", type=click.Choice(AUDIT_ACTIONS), help="Only acts of this kind.")
@click.option("--actor", metavar="WHO", help="Only what this user, or operator, did.")
@click.option("--account", "account_id", metavar="ID", help="Only what concerns this account.")
@click.option("--target", metavar="ID", help="Only what was done to this.")
@click.option("--since", "since_s", type=Duration(), help="Only of the last 30m, 1h, 2d.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@options.as_json
def command(since_s: float | None, as_json: bool, **which: Any) -> None:
    """Tell who did what to what, the newest first.

    Operators' acts, roles, API keys, accounts that were exported or deleted; no entry holds a
    secret.
    """

    since = None if since_s is None else time.time() - since_s
    entries = run_as_operator(lambda operating: operating.audit_log.page(since=since, **which))
    if as_json:
        say_json({"entries": entries})
    else:
        say_table(("when", "action", "by", "target", "account"), [_row(one) for one in entries])


def _row(entry: AuditEntry) -> tuple[object, ...]:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.created_at))
    return (when, entry.action, entry.actor, entry.target, entry.account_id or "")
