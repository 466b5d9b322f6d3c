"""The account's newest predictions, by the attempts that they carry: one listing for many finds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from .account import Account, Json
from .card import PictureInput
from .tag import tags_of
from .transport import Rejected

FRESH_S = 1.5
LONGEST_REST_S = 30.0
"""Less than after which an attempt that nobody has found is presumed not to exist."""

LATE_S = 120.0
KEPT_S = 3 * 3600.0
MAX_PAGES = 250
"""The creates of half an hour, at Replicate's limit of them, fill 180."""

PageOf = Callable[..., Awaitable[Json]]


class _Named(NamedTuple):
    """An id that Replicate gave, and when it made what it names, in Unix seconds."""

    id: str
    made: float


class Listing:
    """What was seen stays known for three hours, so only what is newer is listed again.

    ``picture``: the input that the photo goes into. A prediction may appear up to two minutes after
    its time of creation. Only a look that came to its end says that what it did not see is not
    there: what was made from ``_back_to`` to ``_up_to`` is known, whatever single looks have seen.
    """

    def __init__(self, account: Account, picture: PictureInput) -> None:
        self._account = account
        self._picture = picture
        self._seen: dict[str, _Named] = {}
        self._uploads: dict[str, _Named] = {}
        self._back_to = float("inf")
        self._up_to = float("-inf")
        self._looked = float("-inf")
        self._looking = asyncio.Lock()
        self._busy: Rejected | None = None
        self._busy_until = float("-inf")

    async def handle_of(self, attempt_id: str, *, since: float) -> str | None:
        """The prediction that carries the attempt, of those made after ``since`` (Unix seconds)."""
        stale = time.monotonic() - FRESH_S
        async with self._looking:
            known = self._known(attempt_id)
            if known is None and (self._looked < stale or since < self._back_to):
                await self._look_unless_busy(attempt_id, since)
                known = self._known(attempt_id)
        return known

    async def _look_unless_busy(self, attempt_id: str, since: float) -> None:
        """As ``_look``; what Replicate has just said to too many questions is said again here."""
        if self._busy is not None and time.monotonic() < self._busy_until:
            raise self._busy.with_traceback(None)
        try:
            await self._look(attempt_id, since)
        except Rejected as refused:
            if refused.status == 429:
                wait_s = min(refused.retry_after_s or FRESH_S, LONGEST_REST_S)
                self._busy, self._busy_until = refused, time.monotonic() + wait_s
            raise

    def _known(self, attempt_id: str) -> str | None:
        """By the attempt itself, or by the upload that is named for it."""
        seen = self._seen.get(attempt_id)
        if seen is None and (upload := self._uploads.get(attempt_id)) is not None:
            seen = self._seen.get(upload.id)
        return seen.id if seen else None

    async def _look(self, attempt_id: str, since: float) -> None:
        """List until the attempt is seen, or all that could be it."""
        began, now = time.monotonic(), time.time()
        known_to = self._up_to - LATE_S
        until = since if since < self._back_to else max(since, known_to)
        newest = float("-inf")
        async with aclosing(self._pages(self._account.page, until)) as pages:
            async for predictions in pages:
                newest = max([newest, *(self._note(one, now) for one in predictions)])
                if self._known(attempt_id):
                    return  # the pages that follow were not seen: nothing is known of them
        if "file" in self._picture.ways:
            await self._look_at_uploads(until, now)
        # What does not join what was known before begins anew, or a gap would count as known.
        self._back_to = until if until > known_to else min(self._back_to, until)
        self._up_to = max(self._up_to, min(newest, now))
        self._looked = began
        self._forget()

    async def _look_at_uploads(self, until: float, now: float) -> None:
        async with aclosing(self._pages(self._account.file_page, until)) as pages:
            async for files in pages:
                for file in files:
                    name = str(file.get("name")).rpartition(".")[0]
                    self._uploads[name] = _Named(str(file.get("id")), _made(file, now))

    async def _pages(self, page_of: PageOf, until: float) -> AsyncGenerator[list[Json], None]:
        """What is listed, the newest first, until something is older than ``until``."""
        query: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            page = await page_of(**query)
            results = page.get("results")
            found = [one for one in results if isinstance(one, dict)] if results else []
            yield found
            cursor = _cursor(page.get("next"))
            if cursor is None or (found and _made(found[-1], until) < until):
                return
            query = {"cursor": cursor}
        raise ValueError(f"Replicate lists more than {MAX_PAGES} pages.")

    def _note(self, prediction: Json, now: float) -> float:
        """Remember whose it is; when it was made, as far as that is told."""
        handle = prediction.get("id")
        made = _made(prediction, now)
        if isinstance(handle, str):
            for tag in tags_of(prediction, self._picture.field):
                self._seen[tag] = _Named(handle, made)
        return _made(prediction, float("-inf"))

    def _forget(self) -> None:
        before = self._up_to - KEPT_S
        self._seen = {tag: seen for tag, seen in self._seen.items() if seen.made >= before}
        self._uploads = {name: file for name, file in self._uploads.items() if file.made >= before}
        self._back_to = max(self._back_to, before)


def _cursor(address: object) -> str | None:
    """The cursor in the address of the next page; the address itself is not followed."""
    if not isinstance(address, str):
        return None
    return next(iter(parse_qs(urlsplit(address).query).get("cursor", ())), None)


def _made(one: Json, unless_told: float) -> float:
    """When it was made, in Unix seconds."""
    try:
        return datetime.fromisoformat(str(one.get("created_at"))).timestamp()
    except (ValueError, OverflowError):
        return unless_told
