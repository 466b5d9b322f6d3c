"""``staging backends``: which URLs there are."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import click

from . import options
from .answer import say_json, say_line, say_table
from .running import run

if TYPE_CHECKING:
    from staging_core import Staging

EXAMPLES = """\b
Examples:
  staging backends
  staging backends --open
  STAGING_STAGER=fake: staging backends --json
"""


@click.command(epilog=EXAMPLES)
@click.option("--open", "opens", is_flag=True, help="Open the chosen ones: what can they do?")
@options.as_json
def command(opens: bool, as_json: bool) -> None:
    """List the backends that URLs can name.

    A star stands before those that the settings choose.
    """
    rows = run(lambda: _rows(opens))
    if as_json:
        say_json({"backends": rows})
        return
    table = [
        ("*" if row["chosen"] else "", row["kind"], f"{row['scheme']}:", _state(row))
        for row in rows
    ]
    say_table(("", "kind", "scheme", ""), table)
    for row in rows:
        if row["problem"] and row["install"]:
            say_line(f"{row['scheme']}: {row['install']}")


async def _rows(opens: bool) -> list[dict[str, Any]]:
    from staging_core import Staging

    staging = Staging.from_env(worker=False)
    if opens:
        await _open(staging)
    chosen = _chosen(staging)
    return [
        {**row._asdict(), "chosen": (row.kind, row.scheme) in chosen}
        for row in staging.registry.describe()
    ]


async def _open(staging: Staging) -> None:
    """Open and close each chosen backend; what cannot be opened says why, and ends the command."""
    async with AsyncExitStack() as stack:
        for kind, choices in _choices(staging):
            for choice in choices:
                await staging.registry.open(kind, choice, stack=stack, role="tool")


def _choices(staging: Staging) -> list[tuple[Any, tuple[Any, ...]]]:
    settings = staging.settings
    return [
        ("stager", settings.stager),
        ("storage", (settings.storage,)),
        ("queue", (settings.queue,)),
        ("auth", settings.auth),
        ("billing", (settings.billing,)),
    ]


def _chosen(staging: Staging) -> set[tuple[str, str]]:
    return {
        (kind, choice.partition(":")[0])
        for kind, choices in _choices(staging)
        for choice in choices
        if isinstance(choice, str)
    }


def _state(row: dict[str, Any]) -> str:
    """Its summary, what it can do, and what keeps it from working."""
    parts = [row["summary"]]
    if row["capabilities"]:
        parts.append(f"[{', '.join(row['capabilities'])}]")
    if row["problem"]:
        parts.append(f"({row['problem']})")
    if row["missing"]:
        parts.append(f"(needs {', '.join(row['missing'])})")
    return " ".join(parts)
