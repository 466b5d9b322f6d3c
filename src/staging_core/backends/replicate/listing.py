"""The account's newest predictions, by the attempts that they carry: one listing for many finds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from .account import Account, Json
from .card import PictureInput
from .tag import tags_of

FRESH_S = 1.5
LATE_S = 120.0
KEPT_S = 3 * 3600.0
MAX_PAGES = 150
PageOf = Callable[..., Awaitable[Json]]


class Listing:
    """What was seen stays known for three hours, so only what is newer is listed again.

    ``picture``: the input that the photo goes into. A prediction may appear up to two minutes after
    its time of creation.
    """

    def __init__(self, account: Account, picture: PictureInput) -> None:
        self._account = account
        self._picture = picture
        self._seen: dict[str, tuple[str, float]] = {}
        self._uploads: dict[str, str] = {}
        self._newest = float("-inf")
        self._back_to = float("inf")
        self._looked = float("-inf")
        self._looking = asyncio.Lock()

    async def handle_of(self, attempt_id: str, *, since: float) -> str | None:
        """The prediction that carries the attempt, of those made after ``since`` (Unix seconds)."""
        async with self._looking:
            known = self._known(attempt_id)
            if known is None and (
                time.monotonic() - self._looked > FRESH_S or since < self._back_to
            ):
                await self._look(attempt_id, since)
                known = self._known(attempt_id)
        return known

    def _known(self, attempt_id: str) -> str | None:
        """By the attempt itself, or by the upload that is named for it."""
        seen = self._seen.get(attempt_id) or self._seen.get(self._uploads.get(attempt_id, ""))
        return seen[0] if seen else None

    async def _look(self, attempt_id: str, since: float) -> None:
        """List until the attempt is seen, or all that could be it."""
        until = max(since, self._newest - LATE_S) if since >= self._back_to else since
        async with aclosing(self._pages(self._account.page, until)) as pages:
            async for predictions in pages:
                for prediction in predictions:
                    self._note(prediction)
                if self._known(attempt_id):
                    return
        if "file" in self._picture.ways:
            await self._look_at_uploads(until)
        self._back_to = min(self._back_to, since)
        self._looked = time.monotonic()
        self._forget()

    async def _look_at_uploads(self, until: float) -> None:
        async with aclosing(self._pages(self._account.file_page, until)) as pages:
            self._uploads = {
                str(file.get("name")).rpartition(".")[0]: str(file.get("id"))
                async for files in pages
                for file in files
            }

    async def _pages(self, page_of: PageOf, until: float) -> AsyncGenerator[list[Json], None]:
        """What is listed, the newest first, until something is older than ``until``."""
        query: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            page = await page_of(**query)
            results = page.get("results")
            found = [one for one in results if isinstance(one, dict)] if results else []
            yield found
            cursor = _cursor(page.get("next"))
            if cursor is None or any(_made(one) < until for one in found):
                return
            query = {"cursor": cursor}

    def _note(self, prediction: Json) -> None:
        made = _made(prediction)
        self._newest = max(self._newest, made)
        handle = prediction.get("id")
        if isinstance(handle, str):
            for tag in tags_of(prediction, self._picture.field):
                self._seen[tag] = (handle, made)

    def _forget(self) -> None:
        before = self._newest - KEPT_S
        self._seen = {tag: seen for tag, seen in self._seen.items() if seen[1] >= before}
        self._back_to = max(self._back_to, before)


def _cursor(address: object) -> str | None:
    """The cursor in the address of the next page; the address itself is not followed."""
    if not isinstance(address, str):
        return None
    return next(iter(parse_qs(urlsplit(address).query).get("cursor", ())), None)


def _made(one: Json) -> float:
    """When it was made, in Unix seconds; what cannot be read counts as new."""
    try:
        return datetime.fromisoformat(str(one.get("created_at"))).timestamp()
    except ValueError:
        return time.time()
