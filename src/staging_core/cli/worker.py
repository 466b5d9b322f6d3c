"""``staging worker``: works on queued jobs."""

from __future__ import annotations

import asyncio
import logging
import signal

import click

from . import options
from .answer import say_json
from .running import on_signals, run

EXAMPLES = """\b
Examples:
  staging worker
  staging worker --until-idle
"""


@click.command(epilog=EXAMPLES)
@click.option("--until-idle", is_flag=True, help="Stop when no job is left.")
@options.as_json
def command(until_idle: bool, as_json: bool) -> None:
    """Work on queued jobs until stopped.

    SIGTERM and Ctrl-C end it in good order: nothing new is claimed, what runs may end within
    the setting `shutdown_s`, the rest goes back to the queue. Killing it loses nothing either.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    why = run(_until_idle if until_idle else _until_signal)
    if as_json:
        say_json({"stopped": why})


async def _until_signal() -> str:
    from staging_core import Staging

    stop = asyncio.Event()
    async with Staging.from_env(worker=True) as staging:
        # Only until the first signal: a second one, while jobs still end, stops at once.
        with on_signals(stop.set, signal.SIGTERM, signal.SIGINT):
            click.echo(f"Working on the jobs in {staging.settings.home}.", err=True)
            await stop.wait()
    return "signal"


async def _until_idle() -> str:
    from staging_core import Staging

    async with Staging.from_env(worker=False, role="worker") as staging:
        await staging.run_worker(until_idle=True)
    return "idle"
