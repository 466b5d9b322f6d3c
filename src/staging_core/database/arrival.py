"""Waiting for a database server that starts beside us, as it does in a deployment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from sqlalchemy.engine import URL, make_url

from staging_core.config import Settings
from staging_core.errors import DatabaseFailed

from .engine import open_database

_PAUSE_S = 0.5
_TELL_EVERY_S = 10.0


async def arrival(settings: Settings, *, wait_s: float, tell: Callable[[str], None]) -> None:
    """Return once the owner's login reaches the database, at the latest after ``wait_s`` seconds.

    ``tell`` gets a line when it begins to wait, and again every ten seconds. ``DatabaseFailed``
    names the server that is still away; ``SettingError`` comes at once, since nothing that it
    names would change. A file is there or is not: nobody waits for one.
    """
    began = time.monotonic()
    told_at = -_TELL_EVERY_S
    while True:
        try:
            async with open_database(settings, owner=True):
                return
        except DatabaseFailed as wrong:
            waited = time.monotonic() - began
            server = _server(settings)
            if server is None or not wait_s:
                raise
            if waited >= wait_s:
                raise DatabaseFailed(
                    f"The database server at {server} did not come up within {wait_s:g} s. "
                    f"{wrong.message}",
                    remedy="Start it, or correct the setting `database` (or `database_admin`).",
                ) from wrong
            if waited - told_at >= _TELL_EVERY_S:
                tell(_line(server, waited, wait_s, wrong))
                told_at = waited
        await asyncio.sleep(_PAUSE_S)


def _line(server: str, waited: float, wait_s: float, wrong: DatabaseFailed) -> str:
    so_far = f"{waited:.0f} of {wait_s:g} s"
    return f"Waiting for the database server at {server} ({so_far}). {wrong.message}"


def _server(settings: Settings) -> str | None:
    """Host and port, without login or password; None for a file."""
    url: URL = make_url(settings.database_admin or settings.database)
    if not url.drivername.startswith("postgresql"):
        return None
    return f"{url.host or 'localhost'}:{url.port or 5432}"
