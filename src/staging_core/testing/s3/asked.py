"""A request as it came over the wire."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from typing import IO, Any, NamedTuple
from urllib.parse import unquote

from .refusal import S3Refusal

_CHUNK = 1 << 20


class Body(NamedTuple):
    """The body, in a file, and what it hashes to."""

    file: IO[bytes]
    size: int
    sha256: str
    md5: str


class Asked(NamedTuple):
    """``path`` and ``query`` are as they were sent, still encoded; header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Body

    @property
    def parameters(self) -> dict[str, str]:
        """The query's names and values, decoded."""
        return dict(pairs(self.query))

    @property
    def bucket(self) -> str:
        """The bucket that the path names."""
        return unquote(self.path).lstrip("/").partition("/")[0]

    @classmethod
    def read(cls, environ: Mapping[str, Any], spool: IO[bytes]) -> Asked:
        """From a WSGI environment; the body is read whole, into ``spool``."""
        path, _, query = str(environ["REQUEST_URI"]).partition("?")
        headers = {
            name[5:].replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(name):
                headers[name.replace("_", "-").lower()] = str(environ[name])
        body = _body(environ["wsgi.input"], headers, spool)
        return cls(str(environ["REQUEST_METHOD"]), path, query, headers, body)


def pairs(query: str) -> list[tuple[str, str]]:
    """Names and values of a query; a plus is a plus, as in S3."""
    parts = [part.partition("=") for part in query.split("&") if part]
    return [(unquote(name), unquote(value)) for name, _, value in parts]


def _body(stream: IO[bytes], headers: Mapping[str, str], spool: IO[bytes]) -> Body:
    if "transfer-encoding" in headers:
        raise S3Refusal("MissingContentLength", "You must provide the Content-Length header.")
    left = size = int(headers.get("content-length", 0))
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    while left:
        chunk = stream.read(min(_CHUNK, left))
        if not chunk:
            raise S3Refusal("IncompleteBody", "The body is shorter than it said.", status=400)
        left -= len(chunk)
        sha256.update(chunk)
        md5.update(chunk)
        spool.write(chunk)
    spool.seek(0)
    return Body(spool, size, sha256.hexdigest(), b64encode(md5.digest()).decode())
