"""``staging worker``: works on queued jobs."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import click

from . import options
from .alive import shown_alive
from .answer import say_json
from .running import on_signals, run

log = logging.getLogger("staging_core")

EXAMPLES = """\b
Examples:
  staging worker
  staging worker --until-idle
  staging worker --concurrency 4 --lane default
"""


@click.command(epilog=EXAMPLES)
@click.option("--until-idle", is_flag=True, help="Stop when no job is left.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    metavar="N",
    help="Steps at a time; by default the setting `worker_concurrency`.",
)
@click.option(
    "--lane",
    "lanes",
    multiple=True,
    metavar="NAME",
    help="Work only for the models in this lane; may be repeated. By default for all.",
)
@click.option(
    "--alive-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Touch this file every 5 s, for a probe that restarts a worker that hangs.",
)
@options.as_json
def command(
    until_idle: bool,
    concurrency: int | None,
    lanes: tuple[str, ...],
    alive_file: Path | None,
    as_json: bool,
) -> None:
    """Work on queued jobs until stopped.

    SIGTERM and Ctrl-C end it in good order: nothing new is claimed, what runs may end within
    the setting `shutdown_s`, the rest goes back to the queue. A second one ends the waiting.
    Killing it loses nothing either.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    work = partial(
        _work, until_idle=until_idle, lanes=lanes, concurrency=concurrency, alive_file=alive_file
    )
    why = run(partial(_until_signal, work))
    if as_json:
        say_json({"stopped": why})


def _announce(line: str) -> None:
    """One of the log's lines where it has such; a plain one to whoever sits there otherwise."""
    if log.isEnabledFor(logging.INFO):
        log.info(line)
    else:
        click.echo(line, err=True)


async def _until_signal(work: Callable[[], Coroutine[Any, Any, None]]) -> str:
    """Why it ended. The first signal lets running steps end, the second one does not."""
    working = asyncio.create_task(work())
    with on_signals(working.cancel, signal.SIGTERM, signal.SIGINT):
        await asyncio.wait([working])
    if working.cancelled():
        return "signal"
    working.result()
    return "idle"


async def _work(
    *, until_idle: bool, lanes: tuple[str, ...], concurrency: int | None, alive_file: Path | None
) -> None:
    from staging_core import Staging

    async with (
        Staging.from_env(worker=False, role="worker") as staging,
        shown_alive(alive_file),
    ):
        if not until_idle:
            _announce(f"Working on the jobs in {staging.settings.home}.")
        gc.freeze()  # what was loaded stays: no later collection need look at it, and pause jobs
        await staging.run_worker(until_idle=until_idle, lanes=lanes, concurrency=concurrency)
