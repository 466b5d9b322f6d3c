"""What the command line learns of this distribution: ``staging serve``."""

from __future__ import annotations

from collections.abc import Iterable

from staging_core import hookimpl
from staging_core.models import Command


@hookimpl
def staging_commands() -> Iterable[Command]:
    """The server's own command."""
    opens = "staging_server.command:command"
    return [Command(name="serve", opens=opens, summary="Serve the HTTP API, and work on jobs.")]
