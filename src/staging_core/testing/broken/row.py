"""One broken backend and what catches it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

from staging_core.interfaces import OpenContext, Opener
from staging_core.testing.conformance import Conformance
from staging_core.urls import BackendURL

T = TypeVar("T")


class Broken(NamedTuple):
    """``suite`` holds the broken backend; exactly the checks of ``fails`` must fail."""

    name: str
    suite: type[Conformance]
    fails: frozenset[str]


def broken(
    suite: type[Conformance], backend: Callable[..., Any], *fails: str, **attributes: Any
) -> Broken:
    """A row: ``backend`` without arguments makes the subject; ``attributes`` are the suite's."""
    name = backend.__name__
    subject = {"url": staticmethod(fresh(backend)), "plugins": ()}
    return Broken(name, type(name, (suite,), {**subject, **attributes}), frozenset(fails))


def fresh(backend: Callable[[], T]) -> Opener:
    """An opener that makes a new ``backend`` each time."""

    @asynccontextmanager
    async def open_fresh(url: BackendURL, context: OpenContext) -> AsyncIterator[T]:
        yield backend()

    return open_fresh
