"""The fake stager does, attempt by attempt, what its script says."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image

from staging_core.errors import Busy, Moderated, Refused, Retryable, SettingError
from staging_core.models import Attempt, StageRequest
from staging_core.testing import FakeContext, FakePhoto, FakeStager, Script, open_fake
from staging_core.urls import BackendURL

PHOTO = FakePhoto.drawn(96, 64)
REQUEST = StageRequest(room="bedroom", style="modern", seed=1)


def attempt(number: int, job: str = "job") -> Attempt:
    return Attempt(id=f"{job}-{number}", number=number, deadline=0.0)


def told(script: str, *numbers: int) -> list[str]:
    """What calls with these attempt numbers come to."""
    stager = FakeStager(Script.parse(script))

    async def call(number: int) -> str:
        try:
            await stager.stage(REQUEST, PHOTO, attempt(number))
        except Exception as error:
            return type(error).__name__
        return "ok"

    async def run() -> list[str]:
        return [await call(number) for number in numbers]

    return asyncio.run(run())


def output(word: str) -> bytes:
    staged = asyncio.run(FakeStager(Script.parse(word)).stage(REQUEST, PHOTO, attempt(1)))
    data = staged.outputs[0].data
    assert data is not None
    return data


def test_each_attempt_ends_with_its_word() -> None:
    assert told("retryable,moderated,ok", 1, 2, 3) == ["Retryable", "Moderated", "ok"]


def test_busy_belongs_to_the_attempt_that_follows_it() -> None:
    assert told("busy,busy,retryable,busy,ok", 1, 1, 1, 2, 2) == [
        *("Busy", "Busy", "Retryable"),
        *("Busy", "ok"),
    ]


def test_after_the_script_all_is_well() -> None:
    assert told("raises", 1, 2, 3) == ["RuntimeError", "ok", "ok"]


def test_a_restarted_worker_meets_the_same_script() -> None:
    assert told("retryable,refused", 2) == ["Refused"]


@pytest.mark.parametrize(
    ("word", "error"),
    [("busy", Busy), ("refused", Refused), ("moderated", Moderated), ("retryable", Retryable)],
)
def test_words_for_the_worker(word: str, error: type[Exception]) -> None:
    assert told(word, 1) == [error.__name__]


def test_an_unknown_word_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingError, match="'explode'") as error:
        Script.parse("ok,explode")

    assert "retryable" in error.value.remedy


def test_wrong_answers_are_wrong_in_one_way() -> None:
    assert output("identical") == asyncio.run(PHOTO.read())
    assert Image.open(io.BytesIO(output("wrong_size"))).size == (48, 64)
    assert len(Image.open(io.BytesIO(output("blank"))).getcolors() or ()) == 1
    assert output("html").startswith(b"<!doctype html>")
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(output("garbage")))


def test_pixels_outside_the_block_stay(tmp_path: Path) -> None:
    stager = FakeStager()
    staged = asyncio.run(stager.stage(REQUEST, PHOTO, attempt(1)))
    before = Image.open(io.BytesIO(asyncio.run(PHOTO.read()))).convert("RGB")
    after = Image.open(io.BytesIO(staged.outputs[0].data or b""))
    left, top, right, bottom = staged.report["block_px"]

    changed = [
        (x, y)
        for x in range(96)
        for y in range(64)
        if before.getpixel((x, y)) != after.getpixel((x, y))
    ]

    assert changed
    assert all(left <= x <= right and top <= y <= bottom for x, y in changed)


def test_options_come_with_the_url(tmp_path: Path) -> None:
    async def run() -> list[str]:
        url = BackendURL.parse("fake:studio?fail_every=2&cost_usd=0.04&time_limit_s=5&in_flight=3")
        async with open_fake(url, FakeContext(tmp_path)) as stager:
            card = stager.card
            assert (card.id, card.price.usd) == ("fake:studio", 0.04)
            assert (card.time_limit_s, card.in_flight) == (5.0, 3)
            staged = await stager.stage(REQUEST, PHOTO, attempt(1))
            assert staged.cost_usd == 0.04
            with pytest.raises(Retryable):
                await stager.stage(REQUEST, PHOTO, attempt(1, "other"))
            return [call.word for call in stager.calls]

    assert asyncio.run(run()) == ["ok", "retryable"]
