"""``frame:`` hangs an empty picture frame on the wall."""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from PIL import Image, ImageDraw

from staging_core.interfaces import OpenContext, Photo
from staging_core.models import Attempt, Output, Staged, StageRequest
from staging_core.urls import BackendURL
from staging_template import CARD


class FrameStager:
    """Implements ``Stager``."""

    card = CARD

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        """Hang the frame, in a thread: the event loop must not stand still."""
        data = await asyncio.to_thread(_hang, await photo.read(), request.seed)
        attempt.progress(1.0, "hung")
        return Staged(outputs=(Output(data=data),))


def _hang(photo: bytes, seed: int) -> bytes:
    picture = Image.open(io.BytesIO(photo)).convert("RGB")
    width, height = picture.size
    left = int(width * random.Random(seed).uniform(0.2, 0.6))  # noqa: S311 - the seed is the point
    box = (left, height // 5, left + width // 6, 2 * height // 5)
    ImageDraw.Draw(picture).rectangle(box, outline=(60, 42, 30), width=max(2, width // 200))
    picture.save(encoded := io.BytesIO(), "PNG")
    return encoded.getvalue()


@asynccontextmanager
async def open_frame(url: BackendURL, context: OpenContext) -> AsyncIterator[FrameStager]:
    """Load weights here; what is opened is freed after the ``yield``."""
    yield FrameStager()
