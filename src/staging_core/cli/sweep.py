"""``staging sweep``: the periodic duties, once."""

from __future__ import annotations

import click

from . import options
from .answer import say_json, say_line
from .failure import FAILED, Failure, say_failure
from .running import run

_HOURLY = (
    "Do now what is otherwise done once an hour: compare the storage with the database and delete "
    "objects that no row knows, expire balances, forget what is old."
)
EXAMPLES = """\b
Examples:
  staging sweep
  staging sweep --bucket
"""


@click.command(epilog=EXAMPLES)
@click.option("--bucket", is_flag=True, help=_HOURLY)
@options.as_json
def command(bucket: bool, as_json: bool) -> int:
    """Do the periodic duties of a worker once.

    For hosts that run jobs in a queue of their own and call this from their scheduler. What is due
    once an hour is done by the first call after it. A duty that fails, which the log names, keeps
    no other from being done; the exit code is then 1.
    """
    done = run(lambda: _sweep(bucket))
    failed = done.get("failed", 0)
    why = Failure("sweep_failed", f"{failed} of the duties failed.", "See the log for why.", FAILED)
    if as_json:
        error = {"code": why.code, "message": why.message, "remedy": why.remedy}
        say_json({**done, "error": error} if failed else done)
    else:
        for name, count in done.items():
            say_line(f"{name}: {count}")
        if failed:
            say_failure(why)
    return FAILED if failed else 0


async def _sweep(bucket: bool) -> dict[str, int]:
    from staging_core import Staging

    async with Staging.from_env(worker=False) as staging:
        return await staging.sweep(bucket=bucket)
