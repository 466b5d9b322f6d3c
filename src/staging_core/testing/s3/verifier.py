"""The WSGI application that stands before moto and lets through only what S3 would."""

from __future__ import annotations

import json
from collections.abc import Iterable
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any
from urllib.parse import unquote

from . import cors
from .asked import Asked
from .authentication import Authentication, Keys
from .bucket_store import BucketStore, StartResponse
from .clock import ServerClock
from .control import CONTROL, Control
from .policy import put_for_form
from .refusal import S3Refusal


class Verifier:
    """Checks each request, then lets moto answer it."""

    def __init__(self, keys: Keys) -> None:
        self.clock = ServerClock()
        self.store = BucketStore()
        self.control = Control(self.clock, self.store)
        self._authentication = Authentication(keys, self.clock)
        self._one_at_a_time = Lock()

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        with TemporaryFile() as spool:
            return self._answer_or_refuse(environ, spool, start)

    def _answer_or_refuse(
        self, environ: dict[str, Any], spool: IO[bytes], start: StartResponse
    ) -> Iterable[bytes]:
        try:
            asked = Asked.read(environ, spool)
            if asked.path == CONTROL:
                return self._controlled(asked, start)
            rules = self.store.cors_rules(asked.bucket)
            if asked.method == "OPTIONS":
                return _say(start, "200 OK", cors.preflight(asked, rules), b"")
            return self._answer(asked, environ, _with(start, cors.answered(asked, rules)))
        except S3Refusal as refusal:
            body = b"" if environ["REQUEST_METHOD"] == "HEAD" else refusal.xml()
            headers = [("Content-Type", "application/xml")]
            return _say(start, f"{refusal.status} {refusal.code}", headers, body)

    def _controlled(self, asked: Asked, start: StartResponse) -> Iterable[bytes]:
        told = self.control.apply(json.loads(asked.body.file.read() or b"{}"))
        headers = [("Content-Type", "application/json")]
        return _say(start, "200 OK", headers, json.dumps(told).encode())

    def _answer(
        self, asked: Asked, environ: dict[str, Any], start: StartResponse
    ) -> Iterable[bytes]:
        self.control.seen(asked)
        if asked.headers.get("content-type", "").startswith("multipart/form-data"):
            asked = put_for_form(asked, self.clock, self._authentication)
            start = _created(start)
        else:
            self._authentication.check(asked)
        with self._one_at_a_time:  # a condition and what depends on it belong together
            self._check_conditions(asked)
            return self.store(_environ(asked, environ), start)

    def _check_conditions(self, asked: Asked) -> None:
        """What moto leaves out: the digest, the room, the etag of what is copied."""
        md5 = asked.headers.get("content-md5")
        if md5 not in (None, asked.body.md5):
            raise S3Refusal("BadDigest", "The Content-MD5 you specified did not match.")
        self.control.check_room(asked)
        bucket, _, key = unquote(asked.headers.get("x-amz-copy-source", "")).partition("/")
        etag = asked.headers.get("x-amz-copy-source-if-match", "").strip('"')
        if etag and self.store.etag(bucket, key) not in (None, etag):
            raise S3Refusal("PreconditionFailed", "The source is another by now.", status=412)


def _environ(asked: Asked, environ: dict[str, Any]) -> dict[str, Any]:
    """The environment that moto gets."""
    plain = {name: value for name, value in environ.items() if not name.startswith("HTTP_")}
    plain.pop("CONTENT_TYPE", None)
    for name, value in asked.headers.items():
        key = name.upper().replace("-", "_")
        plain[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return plain | {
        "REQUEST_METHOD": asked.method,
        "PATH_INFO": unquote(asked.path),
        "QUERY_STRING": asked.query,
        "REQUEST_URI": f"{asked.path}?{asked.query}",
        "RAW_URI": f"{asked.path}?{asked.query}",
        "wsgi.input": asked.body.file,
    }


def _say(
    start: StartResponse, status: str, headers: list[tuple[str, str]], body: bytes
) -> Iterable[bytes]:
    start(status, [*headers, ("Content-Length", str(len(body)))])
    return [body]


def _with(start: StartResponse, more: list[tuple[str, str]]) -> StartResponse:
    """Answer with the bucket's CORS headers, not with moto's, which allow everything."""

    def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        own = [pair for pair in headers if not pair[0].lower().startswith("access-control-")]
        return start(status, [*own, *more], *rest)

    return begin


def _created(start: StartResponse) -> StartResponse:
    """What a form is told where moto answers a PUT."""

    def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        done = status.startswith("200")
        return start("204 No Content" if done else status, headers, *rest)

    return begin
