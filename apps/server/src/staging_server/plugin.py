"""What this distribution adds to an installation: ``staging serve``, and telemetry."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

from staging_core import Settings, hookimpl
from staging_core.interfaces import Telemetry
from staging_core.models import Command


@hookimpl
def staging_commands() -> Iterable[Command]:
    """The server's own command."""
    opens = "staging_server.command:command"
    return [Command(name="serve", opens=opens, summary="Serve the HTTP API, and work on jobs.")]


@hookimpl
def staging_telemetry(role: str, settings: Settings) -> AbstractContextManager[Telemetry]:
    """OpenTelemetry, for every process of an installation that has the server."""
    from .telemetry.opening import telemetry

    return telemetry(role, exposed=bool(settings.metrics), log_format=settings.log_format)
