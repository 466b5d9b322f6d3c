"""A model whose predictions wait until they are called back, and a worker that carries its jobs.

``python -m benchmarks.parked SETTINGS`` (JSON) is that worker, a process of its own; it says
``working`` when it is, and ends with SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any

import msgspec

from staging_core import Staging
from staging_core.interfaces import Photo
from staging_core.models import Attempt, Callback, Notice, Output, Staged, StageRequest
from staging_core.testing.fake_card import FAKE_DEFERRED_CARD
from staging_core.testing.fake_picture import furnish


class Parked:
    """Implements ``Defers`` and ``ReceivesCallbacks``; it remembers nothing of its predictions.

    A handle is the attempt's id, and a prediction takes an hour, says the card. Whoever asks is
    told that it has succeeded, so a job is ready after its callback, or after a poll that should
    not have been.
    """

    def __init__(self, photo: bytes) -> None:
        self.card = msgspec.structs.replace(
            FAKE_DEFERRED_CARD, id="parked", in_flight=10_000_000, usual_s=3600.0
        )
        request = StageRequest(room="bedroom", style="modern", seed=1)
        self._staged = Staged(outputs=(Output(data=furnish(photo, request)[0]),))

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        """See ``Defers.create``."""
        return attempt.id

    async def check(self, handle: str) -> Staged:
        """See ``Defers.check``."""
        return self._staged

    async def cancel(self, handle: str) -> None:
        """See ``Defers.cancel``."""

    async def receive(self, callback: Callback) -> Notice:
        """See ``ReceivesCallbacks.receive``."""
        handle = callback.body.decode()
        return Notice(event_id=handle, handle=handle)


async def work(settings: dict[str, Any], photo: bytes) -> None:
    """Work until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with Staging(stager=(Parked(photo),), worker=True, **settings):
        print("working", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    from benchmarks.instant import tiny_photo

    asyncio.run(work(json.loads(sys.argv[1]), tiny_photo()))
