"""A host with open event streams stops when it is told to, though its server waits for answers."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from staging_core import Staging
from staging_embed import staging_app
from staging_embed.stopping import ending_streams

from .house import by_token

SERVES = re.compile(r"running on http://127\.0\.0\.1:(\d+)")
HEAD = """
from staging_core import Principal, Staging
from staging_embed import StagingPlugin, staging_app, staging_lifespan

def who(credentials):
    return Principal(account_id="own", user_id="anna")

staging = Staging(home={home!r}, stager="fake:", plugins=(), worker=False)
"""
HOSTS = {
    "litestar": """
from litestar import Litestar
app = Litestar(plugins=[StagingPlugin(staging, principal=who)])
""",
    "starlette": """
from starlette.applications import Starlette
app = Starlette(lifespan=staging_lifespan(staging))
app.mount("/staging", staging_app(staging, principal=who))
""",
    "fastapi": """
from fastapi import FastAPI
app = FastAPI(lifespan=staging_lifespan(staging))
app.mount("/staging", staging_app(staging, principal=who))
""",
}


@pytest.mark.parametrize(
    ("host", "number"),
    [*((host, signal.SIGTERM) for host in HOSTS), ("litestar", signal.SIGINT)],
)
def test_its_streams_get_their_hint_and_it_ends(
    tmp_path: Path, host: str, number: signal.Signals
) -> None:
    (tmp_path / "house.py").write_text(HEAD.format(home=str(tmp_path / "home")) + HOSTS[host])
    with running(tmp_path) as (process, port), opened(port) as stream:
        assert b"event: connected" in until(stream, b"\n\n")
        began = time.monotonic()
        process.send_signal(number)
        assert b"retry: " in until(stream, b"retry: ")
        process.wait(15)
        assert time.monotonic() - began < 10


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The host as a process of its own, and its port."""
    words = ("uvicorn", "house:app", "--app-dir", str(folder), "--port", "0", "--lifespan", "on")
    process = subprocess.Popen(
        [sys.executable, "-m", *words], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        assert process.stderr is not None
        lines = iter(process.stderr)
        port = next(found[1] for line in lines if (found := SERVES.search(line)))
        yield process, int(port)
    finally:
        process.kill()
        process.communicate()


@contextmanager
def opened(port: int) -> Iterator[socket.socket]:
    """An event stream of it."""
    asked = b"GET /staging/api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=15) as stream:
        stream.sendall(asked)
        yield stream


def until(stream: socket.socket, mark: bytes) -> bytes:
    """What comes until that, or to the end."""
    got = b""
    while mark not in got and (more := stream.recv(65536)):
        got += more
    return got


# --- the handlers -------------------------------------------------------------------------------


@contextmanager
def handled(number: signal.Signals, by: Any) -> Iterator[None]:
    before = signal.signal(number, by)
    try:
        yield
    finally:
        signal.signal(number, before)


def built(home: Path) -> tuple[Staging, Any]:
    staging = Staging(home=home, stager="fake:", plugins=(), worker=False)
    return staging, staging_app(staging, principal=by_token).service.streams


def test_who_was_to_be_told_before_is_told_after_the_streams_are(tmp_path: Path) -> None:
    staging, streams = built(tmp_path)
    told: list[bool] = []

    def server(*_: Any) -> None:
        told.append(streams.ending)

    with handled(signal.SIGTERM, server):
        with ending_streams(staging):
            assert not streams.ending
            os.kill(os.getpid(), signal.SIGTERM)
        assert told == [True]
        assert signal.getsignal(signal.SIGTERM) is server


def test_one_that_an_event_loop_handles_is_still_told_of(tmp_path: Path) -> None:
    """As hypercorn and ``staging serve`` do it."""
    staging, streams = built(tmp_path)

    async def scenario() -> None:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, told.set)
        try:
            with ending_streams(staging):
                os.kill(os.getpid(), signal.SIGTERM)
                async with asyncio.timeout(5):
                    await told.wait()
                assert streams.ending
        finally:
            loop.remove_signal_handler(signal.SIGTERM)

    asyncio.run(scenario())


@pytest.mark.parametrize("nobodys", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_signal_that_nobody_handles_stays_as_it_is(tmp_path: Path, nobodys: Any) -> None:
    staging, _ = built(tmp_path)
    with handled(signal.SIGTERM, nobodys), ending_streams(staging):
        assert signal.getsignal(signal.SIGTERM) is nobodys


def test_a_handler_that_came_later_stays(tmp_path: Path) -> None:
    staging, _ = built(tmp_path)

    def later(*_: Any) -> None:
        pass

    with handled(signal.SIGTERM, lambda *_: None):
        with ending_streams(staging):
            signal.signal(signal.SIGTERM, later)
        assert signal.getsignal(signal.SIGTERM) is later


def test_in_another_thread_streams_end_with_the_lifespan(tmp_path: Path) -> None:
    staging, streams = built(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def live() -> None:
        with ending_streams(staging):
            seen.append((signal.getsignal(signal.SIGTERM) is before, streams.ending))

    thread = threading.Thread(target=live)
    thread.start()
    thread.join()
    assert seen == [(True, False)]
    assert streams.ending


def test_a_host_that_is_started_again_has_streams_again(tmp_path: Path) -> None:
    staging, streams = built(tmp_path)
    for _ in range(2):
        with ending_streams(staging):
            assert not streams.ending
        assert streams.ending


def test_an_installation_that_is_gone_is_not_kept(tmp_path: Path) -> None:
    import gc
    from weakref import ref

    def kept() -> Callable[[], Any]:
        return ref(built(tmp_path)[0])

    gone = kept()
    gc.collect()
    assert gone() is None
