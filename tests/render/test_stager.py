"""``render:`` as a stager: it keeps the contract, reports the room, refuses what is none."""

from __future__ import annotations

import asyncio
import io
from functools import lru_cache
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from PIL import Image

from staging_core.backends.render.stager import RenderStager, open_render
from staging_core.errors import Retryable, RoomNotUnderstood, SettingError
from staging_core.models import Staged, StageRequest
from staging_core.testing.conformance import StagerConformance
from staging_core.testing.conformance.attempts import new_attempt
from staging_core.testing.fake_context import FakeContext
from staging_core.testing.fake_photo import FakePhoto
from staging_core.testing.rooms import make_room
from staging_core.urls import BackendURL

SEED = 3
"""Of a synthetic room that the stager furnishes."""
LIVING_ROOM = StageRequest(room="living_room", style="modern", seed=7)


@lru_cache
def empty_room() -> bytes:
    """The room as PNG."""
    picture = make_room(SEED, width=480, height=320).picture
    written, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    assert written
    return data.tobytes()


class TestRenderStager(StagerConformance):
    url = "render:"
    plugins = ()
    bad_urls = ("render:somewhere", "render:?accelerate=perhaps", "render:?colour=red")
    patience_s = 240.0
    cancel_within_s = 10.0

    def photo(self) -> FakePhoto:
        return FakePhoto.of(empty_room())

    def photo_to_refuse(self) -> FakePhoto:
        return FakePhoto.drawn(480, 320)


async def stage(stager: RenderStager, data: bytes | None = None) -> Staged:
    return await stager.stage(LIVING_ROOM, FakePhoto.of(data or empty_room()), new_attempt())


@lru_cache(maxsize=1)
def staged() -> tuple[Staged, list[tuple[float, str]]]:
    """A living room with a wish that cannot be granted, and the progress that was heard."""
    request = msgspec.structs.replace(LIVING_ROOM, furniture=("grand piano",))
    heard: list[tuple[float, str]] = []
    attempt = new_attempt(progress=lambda share, phase: heard.append((share, phase)))

    async def once() -> Staged:
        async with open_render(BackendURL.parse("render:"), FakeContext(Path())) as stager:
            return await stager.stage(request, FakePhoto.of(empty_room()), attempt)

    return asyncio.run(once()), heard


def pixels(data: bytes | None) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    assert data is not None
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_the_report_tells_camera_room_and_furniture() -> None:
    report = staged()[0].report
    assert set(report) == {
        "camera",
        "size_m",
        "floor_px",
        "pieces",
        "confidence",
        "not_placed",
        "timings_ms",
    }
    assert set(report["camera"]) == {"focal_px", "pitch_deg", "roll_deg", "yaw_deg"}
    assert len(report["size_m"]) == 3
    assert len(report["floor_px"]) >= 3
    assert report["pieces"][0]["class"] == "sofa"
    assert set(report["pieces"][0]) >= {"class", "size_m", "footprint_px", "footprint_m"}
    assert set(report["timings_ms"]) >= {"room", "placement", "light", "shadows", "composite"}


def test_at_least_three_fifths_of_the_pixels_stay_as_they_are() -> None:
    picture = pixels(staged()[0].outputs[0].data)
    changed = (picture != pixels(empty_room())).any(axis=2)
    assert 0.02 < changed.mean() <= 0.40


def test_a_wish_that_finds_no_place_is_named() -> None:
    assert staged()[0].report["not_placed"] == ["grand piano"]


async def _refused() -> RoomNotUnderstood:
    async with open_render(BackendURL.parse("render:"), FakeContext(Path())) as stager:
        with pytest.raises(RoomNotUnderstood) as refused:
            await stage(stager, await FakePhoto.drawn(480, 320).read())
        return refused.value


def test_a_refusal_says_why_and_carries_the_overlay() -> None:
    error = asyncio.run(_refused())
    assert error.code == "room_not_understood"
    assert error.message
    assert pixels(error.overlay_png).shape[1] == 480, "the overlay shows the photo"


def test_the_phases_are_reported_in_order() -> None:
    heard = staged()[1]
    phases = list(dict.fromkeys(phase for _, phase in heard))
    assert phases == ["room", "placement", "light", "shadows", "composite"]
    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_process_that_dies_is_replaced() -> None:
    async def twice() -> Staged:
        async with open_render(BackendURL.parse("render:"), FakeContext(Path())) as stager:
            await stage(stager)
            assert stager._process is not None
            call = asyncio.create_task(stage(stager))
            await asyncio.sleep(0)
            stager._process._process.kill()
            with pytest.raises(Retryable):
                await call
            return await stage(stager)

    assert asyncio.run(twice()).outputs


@pytest.mark.parametrize("text", ["render:?accelerate=maybe", "render:here"])
def test_a_url_it_cannot_serve_is_named(text: str) -> None:
    async def once() -> None:
        async with open_render(BackendURL.parse(text), FakeContext(Path())):
            pass

    with pytest.raises(SettingError, match="render:"):
        asyncio.run(once())
