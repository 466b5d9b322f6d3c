"""Running the issuer: in a thread of a test, or as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from staging_core.testing.asgi_server import PATIENCE_S, listening, serving, url_of

from .app import IssuerApp
from .issuer import Issuer


class RunningIssuer(msgspec.Struct, frozen=True, kw_only=True):
    """Where an issuer listens, and what a test may ask of it from outside.

    ``url``: as ``iss`` has it. ``issuer``: itself, when it runs in this process.
    """

    url: str
    audience: str
    issuer: Issuer | None = None

    def auth(self, **options: str) -> str:
        """The URL for the setting ``auth``."""
        return f"jwt:{self.url}?{urlencode({'audience': self.audience, **options})}"

    def token(self, subject: str = "ada", *, fault: str | None = None, **claims: Any) -> str:
        """A token for ``subject``, good or with one of ``FAULTS``; ``None`` leaves a claim out."""
        told = {"subject": subject, "fault": fault, "claims": claims}
        token: str = self._asked("POST", "/oauth/token", told)["access_token"]
        return token

    def rotate(self, *, drop_old: bool = False) -> str:
        """Sign with a new key from now on; its ``kid``."""
        kid: str = self._asked("POST", "/_rotate", {"drop_old": drop_old})["kid"]
        return kid

    def mode(self, mode: str, *, slow_s: float = 0.0) -> None:
        """How it answers questions about its keys from now on: one of ``MODES``."""
        self._asked("POST", "/_mode", {"mode": mode, "slow_s": slow_s})

    def advance(self, seconds: float) -> None:
        """Let time pass at the issuer."""
        self._asked("POST", "/_clock", {"advance": seconds})

    def fetches(self, ending: str = "") -> list[dict[str, Any]]:
        """Every question about its keys so far: ``path``, ``at``, ``mode``."""
        asked: list[dict[str, Any]] = self._asked("GET", "/_fetches", None)["fetches"]
        return [each for each in asked if each["path"].endswith(ending)]

    def _asked(self, method: str, path: str, told: dict[str, Any] | None) -> Any:
        parts = urlsplit(self.url)
        with closing(HTTPConnection(parts.netloc, timeout=PATIENCE_S)) as line:
            body = b"" if told is None else json.dumps(told).encode()
            line.request(method, parts.path.rstrip("/") + path, body)
            answer = line.getresponse()
            text = answer.read()
        if answer.status >= 400:
            raise ValueError(f"{path} answered {answer.status}: {text.decode()}")
        return json.loads(text)


@contextmanager
def running_issuer(path: str = "", **settings: Any) -> Iterator[RunningIssuer]:
    """An issuer on a free port of loopback, in a thread of this process.

    ``path``: behind host and port, ``"/"`` for an issuer that ends in a slash. ``settings``: as for
    ``Issuer``.
    """
    with closing(listening(0)) as listener:
        url = url_of(listener) + path
        issuer = Issuer(url=url, **settings)
        with serving(IssuerApp(issuer, url.rstrip("/")), [listener], "issuer"):
            yield RunningIssuer(url=url, audience=issuer.audience, issuer=issuer)


@contextmanager
def issuer_process(arguments: Sequence[str] = ()) -> Iterator[RunningIssuer]:
    """An issuer in a process of its own. ``arguments``: as on its command line."""
    command = [sys.executable, "-m", "staging_core.testing.issuer", "--json", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"The issuer did not start: it ended with {process.wait()}.")
        where = json.loads(line)
        yield RunningIssuer(url=where["url"], audience=where["audience"])
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        if process.stdout is not None:
            process.stdout.close()
