"""Openers that break the contract of every ``Opener``; shown on storages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from staging_core.backends.fsspec_storage import FolderStorage
from staging_core.errors import SettingError
from staging_core.hookspecs import hookimpl
from staging_core.interfaces import OpenContext, Opener
from staging_core.models import Provider
from staging_core.testing.conformance import StorageConformance
from staging_core.urls import BackendURL

from .row import Broken
from .storage import SOUND, InMemory


@asynccontextmanager
async def forgets(url: BackendURL, context: OpenContext) -> AsyncIterator[FolderStorage]:
    """A new folder at every opening."""
    folder = Path(context.home) / f"{time.time_ns():x}"
    yield FolderStorage(folder, clock=time.time)


@asynccontextmanager
async def leaves_a_task(url: BackendURL, context: OpenContext) -> AsyncIterator[InMemory]:
    """Starts a sweeper and forgets it."""
    sweeping = asyncio.create_task(asyncio.sleep(3600))
    yield InMemory()
    del sweeping


@asynccontextmanager
async def swallows_errors(url: BackendURL, context: OpenContext) -> AsyncIterator[InMemory]:
    """Takes the caller's error for its own."""
    try:
        yield InMemory()
    except LookupError:
        return


@asynccontextmanager
async def stays_locked(url: BackendURL, context: OpenContext) -> AsyncIterator[InMemory]:
    """Does not give its lock back when an error passes."""
    lock = context.home / "lock"
    if lock.exists():
        raise SettingError("The storage is locked.")
    lock.touch()
    yield InMemory()
    lock.unlink()


@asynccontextmanager
async def open_lenient(url: BackendURL, context: OpenContext) -> AsyncIterator[InMemory]:
    """Opens whatever the URL says."""
    yield InMemory()


class Lenient:
    """The plugin of ``lenient:``."""

    name = "lenient"

    @hookimpl
    def staging_storages(self) -> Iterable[Provider]:
        """A storage that reads no options."""
        opens = f"{__name__}:open_lenient"
        return [Provider(scheme="lenient", opens=opens, summary="Opens whatever the URL says.")]


def _opened(opener: Opener, *fails: str, **attributes: Any) -> Broken:
    name = getattr(opener, "__name__", "opener")
    subject = {"url": staticmethod(opener), "plugins": (), **SOUND, **attributes}
    return Broken(name, type(name, (StorageConformance,), subject), frozenset(fails))


BROKEN_OPENERS = (
    _opened(forgets, "test_objects_are_there_when_it_is_opened_again", keeps_in_memory=False),
    _opened(leaves_a_task, "test_its_exit_leaves_no_task_behind"),
    _opened(swallows_errors, "test_an_error_inside_passes_through_its_exit"),
    _opened(stays_locked, "test_it_opens_again_after_an_error"),
    _opened(
        open_lenient,
        "test_a_bad_url_is_a_setting_error_and_leaves_nothing",
        plugins=(Lenient(),),
        bad_urls=("lenient:?colour=red",),
    ),
)
