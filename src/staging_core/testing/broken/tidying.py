"""Storages that break one sentence each of ``Tidies``."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from staging_core.models import Stored
from staging_core.testing.conformance import StorageConformance

from .row import Broken, broken
from .storage import SOUND, InMemory


class Tidying(InMemory):
    """The sound one: a process that dies takes all that it keeps with it."""

    async def tidy(self, *, before: float) -> int:
        return 0


class CountsObjects(Tidying):
    """Says how much is there."""

    async def tidy(self, *, before: float) -> int:
        return len(self._objects)


class TidiesObjects(Tidying):
    """Takes whatever is old for left behind."""

    async def tidy(self, *, before: float) -> int:
        for key, (stored, _) in list(self._objects.items()):
            if stored.modified < before:
                del self._objects[key]
        return 0


class TidiesWhatGoesOn(Tidying):
    """Does not look when a put began."""

    def __init__(self) -> None:
        super().__init__()
        self._tidied = 0

    async def tidy(self, *, before: float) -> int:
        self._tidied += 1
        return 0

    async def put(self, key: str, data: AsyncIterable[bytes], *, content_type: str) -> Stored:
        return await super().put(key, self._still_there(data), content_type=content_type)

    async def _still_there(self, data: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        began, gathered = self._tidied, [b""]
        async for chunk in data:
            if self._tidied != began:
                began, gathered = self._tidied, []
            gathered.append(chunk)
        for chunk in gathered:
            yield chunk


def _tidying(backend: type[Tidying], *fails: str) -> Broken:
    return broken(StorageConformance, backend, *fails, **SOUND)


BROKEN_TIDYING = (
    _tidying(Tidying),
    _tidying(CountsObjects, "test_where_every_put_has_ended_there_is_nothing_to_tidy"),
    _tidying(TidiesObjects, "test_tidying_leaves_objects_alone"),
    _tidying(TidiesWhatGoesOn, "test_tidying_leaves_puts_alone_that_go_on"),
)
