"""``staging db upgrade`` beside a database server that is still starting, as in a deployment."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from staging_core import Settings
from staging_core.database.arrival import arrival
from staging_core.errors import DatabaseFailed, SettingError
from staging_core.testing.servers.databases import OWNER, Databases


def closed_port() -> int:
    """A port that nobody listens on yet."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def at_port(settings: dict[str, Any], port: int, **given: Any) -> dict[str, Any]:
    """The same database, reached by another port of this machine."""

    def moved(url: str) -> str:
        given_here = {"host": "127.0.0.1", "port": port, "password": OWNER, **given}
        changed = make_url(url).set(**given_here)
        return changed.render_as_string(hide_password=False)

    return {name: moved(settings[name]) for name in ("database", "database_admin")}


@asynccontextmanager
async def listening(port: int, settings: dict[str, Any]) -> AsyncIterator[None]:
    """The server behind ``settings`` is reached by ``port`` within the block."""
    real = make_url(settings["database"])
    assert real.host is not None

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(real.host, real.port)
        await asyncio.gather(passed(reader, back), passed(there, writer), return_exceptions=True)

    async with await asyncio.start_server(joined, "127.0.0.1", port):
        yield


async def arrived(settings: dict[str, Any], wait_s: float, tell: Callable[[str], None]) -> None:
    await arrival(Settings.from_keywords(**settings), wait_s=wait_s, tell=tell)


def test_a_server_that_comes_up_is_waited_for_with_a_line_that_says_so(
    postgresql: Databases,
) -> None:
    lines: list[str] = []
    port = closed_port()

    async def run(settings: dict[str, Any]) -> None:
        told = asyncio.Event()

        def tell(line: str) -> None:
            lines.append(line)
            told.set()

        waiting = asyncio.create_task(arrived(at_port(settings, port), 120, tell))
        await told.wait()
        assert not waiting.done()
        async with listening(port, settings):
            await waiting

    with postgresql.fresh(empty=True) as settings:
        asyncio.run(run(settings))
    assert lines[0].startswith(f"Waiting for the database server at 127.0.0.1:{port} (0 of 120 s).")


def test_a_server_that_stays_away_is_named_without_its_password(postgresql: Databases) -> None:
    port = closed_port()
    with postgresql.fresh(empty=True) as settings, pytest.raises(DatabaseFailed) as caught:
        asyncio.run(arrived(at_port(settings, port), 0.2, lambda _: None))
    assert f"127.0.0.1:{port} did not come up within 0.2 s" in caught.value.message
    assert OWNER not in caught.value.message


def test_a_server_that_is_there_is_waited_for_no_longer(postgresql: Databases) -> None:
    lines: list[str] = []
    with postgresql.fresh(empty=True) as settings:
        asyncio.run(arrived(settings, 60, lines.append))
    assert lines == []


def test_what_waiting_does_not_change_is_told_at_once(postgresql: Databases) -> None:
    with postgresql.fresh(empty=True) as settings:
        real = make_url(settings["database_admin"])
        assert real.port is not None
        other = at_port(settings, real.port, database="not_there", host=real.host)
        lines: list[str] = []
        with pytest.raises(SettingError, match="not_there"):
            asyncio.run(arrived(other, 60, lines.append))
        assert lines == []


def test_the_command_says_on_stderr_that_it_waits_and_answers_on_stdout(
    postgresql: Databases,
) -> None:
    port = closed_port()
    with postgresql.fresh(empty=True) as settings:
        outside = {name: text for name, text in os.environ.items() if "STAGING_" not in name}
        named = at_port(settings, port).items()
        told = {f"STAGING_{name.upper()}": url for name, url in named}
        done = subprocess.run(
            [sys.executable, "-m", "staging_core", "db", "upgrade", "--wait", "1", "--json"],
            env={**outside, **told, "STAGING_PLUGINS": ""},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "database_failed"
    assert done.stderr.startswith(f"Waiting for the database server at 127.0.0.1:{port} ")
