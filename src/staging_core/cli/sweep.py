"""``staging sweep``: the periodic duties, once."""

from __future__ import annotations

import click

from . import options
from .answer import say_json, say_line
from .running import run

EXAMPLES = """\b
Examples:
  staging sweep
  staging sweep --bucket
"""


@click.command(epilog=EXAMPLES)
@click.option("--bucket", is_flag=True, help="Also compare the storage with the database.")
@options.as_json
def command(bucket: bool, as_json: bool) -> None:
    """Do the periodic duties of a worker once.

    For hosts that run jobs in a queue of their own and call this from their scheduler.
    """
    done = run(lambda: _sweep(bucket))
    if as_json:
        say_json(done)
        return
    for name, count in done.items():
        say_line(f"{name}: {count}")


async def _sweep(bucket: bool) -> dict[str, int]:
    from staging_core import Staging

    async with Staging.from_env(worker=False) as staging:
        return await staging.sweep(bucket=bucket)
