"""A file that a process touches while it lives, for a probe that looks at nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from staging_core.errors import SettingError

log = logging.getLogger("staging_core")

EVERY_S = 5.0


@asynccontextmanager
async def shown_alive(file: Path | None, *, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Touch ``file`` (None: nothing) as long as this event loop runs, within the block.

    ``SettingError`` where it cannot be touched. Databases and queues are no part of it: starting
    the process again would not bring them back.
    """
    if file is None:
        yield
        return
    _begin(file)
    touching = asyncio.create_task(_touch(file, every_s))
    try:
        yield
    finally:
        touching.cancel()


async def _touch(file: Path, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        _touch_again(file)


def _begin(file: Path) -> None:
    try:
        file.touch()
    except OSError as wrong:
        raise SettingError(
            f"The file {str(file)!r} cannot be touched: {wrong.strerror}.",
            remedy="Give --alive-file a file in a folder that this process may write to.",
        ) from wrong


def _touch_again(file: Path) -> None:
    try:
        file.touch()
    except OSError as wrong:  # its probe will say so; no job is given up for it
        log.warning("the file that shows this process alive cannot be touched: %s", wrong)
