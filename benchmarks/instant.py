"""A model and picture work that cost nothing, so that the rest can be measured alone."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import msgspec
from PIL import Image

from staging_core import Staging
from staging_core.imaging.canvas import Layout
from staging_core.imaging.decoder import Decoder, Verified, WorkingCopy
from staging_core.interfaces import Photo
from staging_core.models import Attempt, Output, Staged, StageRequest
from staging_core.ports import Ports
from staging_core.testing.fake_card import FAKE_CARD

WIDTH, HEIGHT = 96, 64


class InstantModel:
    """A ``Stager`` that answers at once, always the same."""

    def __init__(self) -> None:
        self.card = msgspec.structs.replace(FAKE_CARD, id="instant", name="Instant")
        self._staged = Staged(outputs=(Output(data=tiny_photo()),))

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        """See ``Stager.stage``."""
        return self._staged


class NoPictureWork(Decoder):
    """Believes every picture, and that it is a tiny photo."""

    async def working_copy(self, data: bytes) -> WorkingCopy:
        """The bytes as they are."""
        return WorkingCopy(data=data, width=WIDTH, height=HEIGHT)

    async def verify(
        self,
        output: bytes,
        *,
        original: bytes,
        width: int,
        height: int,
        digital_source_type: str,
        layout: Layout | None = None,
    ) -> Verified:
        """The bytes as they are."""
        return Verified(
            data=output,
            content_type="image/png",
            width=width,
            height=height,
            sha256=hashlib.sha256(output).hexdigest(),
        )


def without_picture_work(staging: Staging) -> Ports:
    """The open installation's ports, but for its decoding processes."""
    return replace(staging.ports, decoder=NoPictureWork())


def tiny_photo() -> bytes:
    """A PNG of 96 x 64 pixels that is not blank."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((WIDTH, HEIGHT)).convert("RGB").save(file, "PNG")
    return file.getvalue()
