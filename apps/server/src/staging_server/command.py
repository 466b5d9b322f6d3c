"""``staging serve``: the HTTP API, and a worker beside it."""

from __future__ import annotations

import asyncio
import logging

import click

EXAMPLES = """\b
Examples:
  staging serve
  staging serve --port 9000
  staging serve --host 0.0.0.0 --no-worker
"""


@click.command(epilog=EXAMPLES)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    metavar="N",
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--no-worker", is_flag=True, help="Only serve; `staging worker` works elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="Say in JSON how it ended.")
def command(host: str, port: int, no_worker: bool, as_json: bool) -> None:
    """Serve the HTTP API, and work on jobs in the same process.

    Without further settings it serves the owner of this machine, at http://127.0.0.1:8080/docs.
    SIGTERM and Ctrl-C end it in good order: requests and job steps finish, event streams tell
    their clients to come back. A second one ends the waiting.
    """
    from staging_core import Staging
    from staging_core.event_loop import new_event_loop

    from .serving import serve

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    staging = Staging.from_env(worker=False, role="api" if no_worker else "worker")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(staging, host=host, port=port, worker=not no_worker))
    if as_json:
        click.echo('{"stopped": "signal"}')
