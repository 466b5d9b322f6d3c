"""``render:`` furnishes an empty room on this machine: no network, no key, no GPU, no weights.

It reads the room's perspective from the photo, places furniture of real size on the floor, draws
it lit by the photo itself and leaves every other pixel alone, or it refuses with
``room_not_understood``. It is a rendering, and looks like a good one rather than like a photo.

Weak spots:

- Only empty, box-shaped rooms in level, undistorted pictures whose principal point is in the
  middle; sloped ceilings, alcoves and fisheye lenses are refused or read as plain boxes.
- The scale comes from an assumed ceiling height of 2.55 m: sizes are right to about a tenth.
- What already stands in the room neither hides furniture nor is mirrored in it.
- Light that the picture does not show is guessed from what it shows; sunbeams do not fall on the
  furniture, and its shadows are soft always.
- A glossy floor does not mirror the furniture: what it mirrored before stays on it.
- Lamps glow, but light nothing up that the photo shows.
- Two platforms may differ in a few bytes; one platform never does.

The one option: ``render:?accelerate=no`` does without Embree, even where it is installed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import msgspec

from staging_core.errors import Refused, Retryable, RoomNotUnderstood, SettingError, StagingError
from staging_core.interfaces import OpenContext, Photo
from staging_core.models import Attempt, ModelCard, Output, Staged, StageRequest
from staging_core.urls import BackendURL

from .card import RENDER_CARD
from .process import RenderProcess
from .protocol import Declined, Order


class RenderStager:
    """Implements ``Stager``. One photo at a time, in a process that is started on first use.

    Cancelling a call ends that process; the next call starts another.
    """

    card: ModelCard = RENDER_CARD

    def __init__(self, *, accelerated: bool | None = None) -> None:
        """``accelerated``: None uses Embree where it is installed, False never."""
        self._accelerated = accelerated
        self._process: RenderProcess | None = None
        self._turn = asyncio.Lock()

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        """See ``Stager.stage``. ``RoomNotUnderstood`` carries the overlay that shows why."""
        data = await photo.read()
        order = Order(request, photo.focal_px, self._accelerated)
        async with self._turn:
            process = await self._warm()
            try:
                word, picture = await process.ask(order, data, attempt.progress)
            except BaseException:
                self._process = None
                await asyncio.shield(process.end())
                raise
        if isinstance(word, Declined):
            raise _error(word, picture)
        attempt.progress(1.0, "composite")
        return Staged(outputs=(Output(data=picture),), report=word.report)

    async def _warm(self) -> RenderProcess:
        if self._process is not None and not self._process.alive:
            await self._process.end()
            self._process = None
        if self._process is None:
            self._process = await RenderProcess.start()
        return self._process

    async def aclose(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            await process.end()


def _error(word: Declined, overlay: bytes) -> StagingError:
    if word.code == RoomNotUnderstood.code:
        return RoomNotUnderstood(word.message, overlay_png=overlay or None)
    if word.code == Refused.code:
        return Refused(word.message)
    return Retryable(word.message)


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    accelerate: Literal["auto", "no"] = "auto"


@asynccontextmanager
async def open_render(url: BackendURL, context: OpenContext) -> AsyncIterator[RenderStager]:
    """Open ``render:``; ``SettingError`` names an option that is wrong. Starts nothing yet."""
    try:
        options = msgspec.convert(dict(url.options), _Options)
    except msgspec.ValidationError as error:
        raise SettingError(f"{url}: {error}.") from error
    if url.path:
        raise SettingError(f"{url}: nothing may follow render: but options.")
    stager = RenderStager(accelerated=False if options.accelerate == "no" else None)
    try:
        yield stager
    finally:
        await stager.aclose()
