"""What tests say to a double that runs, and doubles as processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from staging_core.testing.asgi_server import PATIENCE_S


def asked(url: str, method: str, path: str, value: dict[str, Any] | None = None) -> bytes:
    """What the double at ``url`` answers to one of its own paths; ``ValueError`` from 400 on."""
    line = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)
    with closing(line):
        line.request(method, path, b"" if value is None else json.dumps(value).encode())
        answer = line.getresponse()
        text = answer.read()
    if answer.status >= 400:
        raise ValueError(f"{path} answered {answer.status}: {text.decode()}")
    return text


def truth_of(url: str, event: str | None) -> list[dict[str, Any]]:
    """The log of the truth, all of it or one event's lines."""
    lines = asked(url, "GET", "/_truth").splitlines()
    records: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [record for record in records if event in (None, record["event"])]


@contextmanager
def process(module: str, arguments: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A double in a process of its own, and what it says of where it is."""
    command = [sys.executable, "-m", module, "--json", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"The double did not start: it ended with {process.wait()}.")
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        if process.stdout is not None:
            process.stdout.close()
