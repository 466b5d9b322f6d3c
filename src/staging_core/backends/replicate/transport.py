"""The connection to Replicate: what it may cost in time and memory, and what its refusals mean.

The ``replicate`` package wraps its transport in one that repeats every GET up to ten times, up to a
minute apart, and its errors forget ``Retry-After``. Here each answer that is no success becomes
a ``Rejected`` before that wrapper sees it: nothing is repeated behind our back.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from staging_core.retry_after import seconds_of

MAX_BYTES = 48 * 2**20
_WORDS = re.compile(r"[^\s\"'<>`]+")
_TELLS = re.compile(
    r"//|\\/\\/|%(?:25)*2f%(?:25)*2f|data:"  # an address, also as JSON or a form has it
    r"|(?:[?&]|%(?:25)*(?:3f|26)|\\u00(?:3f|26))[\w.%+-]+(?:=|%(?:25)*3d|\\u003d)"  # a query
    r"|x-(?:amz|goog)-|(?:signature|credential|accesskeyid)(?:[=:]|%(?:25)*3d)"
    r"|\b(?:akia|asia)[0-9a-z]{8}|\br8_\w",
    re.IGNORECASE,
)
"""What a word tells that nobody may know: where a photo is, what opens it, a token."""

_LONGEST_READ = 10_000
_IN_WORDS = re.compile(r"(?:resets? in|retry (?:after|in)) ~?(\d+(?:\.\d+)?)\s*s", re.IGNORECASE)
_SHORTEST_WAIT_S = 0.1
_LONGEST_WAIT_S = 3600.0


class Rejected(Exception):
    """Replicate answered, and not with a success. ``detail``: its words, without addresses.

    ``is_its_own``: in the form of Replicate's own refusals, and not a gateway's on the way.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        retry_after_s: float | None,
        *,
        is_its_own: bool = False,
    ) -> None:
        super().__init__(f"Replicate answers {status}: {detail}")
        self.is_its_own = is_its_own
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s


class Garbled(Exception):
    """Replicate's answer cannot be understood."""


class Transport(httpx.AsyncBaseTransport):
    """Sends once; gives successes, raises ``Rejected`` for the rest."""

    def __init__(self, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._inner = inner or httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See ``httpx.AsyncBaseTransport``."""
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Bounded(response.stream)
        # Nobody asked for packed answers: unpacked, a small one may be as large as it likes.
        response.headers.pop("content-encoding", None)
        if response.is_success:
            return response
        try:
            body = await response.aread()
        finally:
            await response.aclose()
        raise rejected(response.status_code, response.headers, body)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Bounded(httpx.AsyncByteStream):
    """A body of ``MAX_BYTES`` at most, as it comes over the wire."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._stream:
            seen += len(chunk)
            if seen > MAX_BYTES:
                raise Garbled(f"Replicate's answer has more than {MAX_BYTES} bytes.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def rejected(status: int, headers: httpx.Headers, body: bytes) -> Rejected:
    """The refusal in an answer: RFC 7807, or whatever a gateway in between says."""
    try:
        problem: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    detail = plain(str(problem.get("detail") or problem.get("title") or "no reason given"))
    its_own = isinstance(problem.get("detail"), str) and problem.get("status", status) == status
    return Rejected(status, detail, _retry_after(headers, problem, detail), is_its_own=its_own)


def plain(text: str) -> str:
    """A provider's words for our logs and errors: on one line, short, without any address.

    What cannot be printed goes first, or an address could hide behind it.
    """
    printed = "".join(c for c in text[:_LONGEST_READ] if c.isprintable() or c.isspace())
    told = _WORDS.sub(lambda word: "(address)" if _TELLS.search(word[0]) else word[0], printed)
    return " ".join(told.split())[:300]


def _retry_after(headers: httpx.Headers, problem: dict[str, Any], detail: str) -> float | None:
    for told in (headers.get("retry-after"), problem.get("retry_after")):
        seconds = seconds_of(told, longest_s=_LONGEST_WAIT_S)
        if seconds is not None:
            return max(seconds, _SHORTEST_WAIT_S)
    in_words = _IN_WORDS.search(detail)
    return seconds_of(in_words[1], longest_s=_LONGEST_WAIT_S) if in_words else None
