"""An account whose predictions are a list: some appear late, pages fail, calls are cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from staging_core.backends.replicate import listing
from staging_core.backends.replicate.card import PictureInput
from staging_core.backends.replicate.listing import Listing

PAGE = 3


class ListedAccount:
    """``then``: by the number of the page within a look, what happens instead of an answer."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.made: list[tuple[float, float, str]] = []  # made at, appears at, whose
        self.files: list[tuple[float, str]] = []
        self.then: dict[int, str] = {}
        self.pages = 0
        self.listing = Listing(self, PictureInput(field="image", ways=("url", "file")))  # type: ignore[arg-type]

    def create(self, attempt_id: str, *, late_s: float = 0.0, by_file: bool = False) -> None:
        if by_file:
            self.files.append((self.now, attempt_id))
        self.made.append((self.now, self.now + late_s, attempt_id))

    async def page(self, **query: str) -> dict[str, Any]:
        """The newest first, as far as they appear by now."""
        self.pages += 1
        await asyncio.sleep(0)
        number = int(query.get("cursor", "0"))
        match self.then.pop(number, None):
            case "fails":
                raise ValueError("a page fails")
            case "hangs":
                await asyncio.Event().wait()
        seen = sorted((one for one in self.made if one[1] <= self.now), reverse=True)
        uploaded = {name for _, name in self.files}
        return self._sheet(
            [
                {
                    "id": f"p-{whose}",
                    "created_at": _told(at),
                    **_carrying(whose, whose in uploaded),
                }
                for at, _, whose in seen
            ],
            number,
        )

    async def file_page(self, **query: str) -> dict[str, Any]:
        seen = sorted(self.files, reverse=True)
        files = [
            {"id": f"f-{name}", "name": f"{name}.png", "created_at": _told(at)} for at, name in seen
        ]
        return self._sheet(files, int(query.get("cursor", "0")))

    def _sheet(self, all_of_them: list[dict[str, Any]], number: int) -> dict[str, Any]:
        ending = (number + 1) * PAGE
        more = f"https://x/?cursor={number + 1}" if ending < len(all_of_them) else None
        return {"results": all_of_them[number * PAGE : ending], "next": more}

    async def find(self, attempt_id: str, *, since: float, **then: Any) -> str | None:
        """A look; ``then`` as the attribute, by the page's name ``page_N``. None: not found."""
        self.then = {int(name.removeprefix("page_")): what for name, what in then.items()}
        looking = asyncio.ensure_future(self.listing.handle_of(attempt_id, since=since))
        for _ in range(200):
            if looking.done():
                break
            await asyncio.sleep(0)
        else:
            looking.cancel()
        await asyncio.wait([looking])
        self.then = {}
        if looking.cancelled() or looking.exception() is not None:
            return None
        return looking.result()


def _told(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _carrying(whose: str, by_file: bool) -> dict[str, Any]:
    if by_file:
        return {"input": {"image": f"https://api.replicate.com/v1/files/f-{whose}"}}
    return {"webhook": f"https://x/{whose}"}


@contextmanager
def listed_account() -> Iterator[ListedAccount]:
    """With a clock that stands still but for ``now``."""
    account = ListedAccount()

    class Clock:
        time = staticmethod(lambda: account.now)
        monotonic = time

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "time", Clock)
        yield account
