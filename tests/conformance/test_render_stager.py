"""The offline renderer passes the suite that every stager passes."""

from __future__ import annotations

from functools import cache

import cv2

from staging_core.testing import FakePhoto
from staging_core.testing.conformance import StagerConformance
from staging_core.testing.rooms import make_room


@cache
def empty_room() -> FakePhoto:
    room = make_room(3, width=480, height=320)
    png = cv2.imencode(".png", room.picture[..., ::-1])[1].tobytes()
    return FakePhoto.of(png, focal_px=room.camera.focal_px)


class TestRenderStager(StagerConformance):
    url = "render:"
    patience_s = 120.0

    def photo(self) -> FakePhoto:
        return empty_room()

    def photo_to_refuse(self) -> FakePhoto:
        return FakePhoto.drawn(720, 480)
