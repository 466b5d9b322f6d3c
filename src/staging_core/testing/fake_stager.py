"""``fake:`` stages at once and fails as told: the stager for tests and demonstrations.

It answers with the photo and a striped block on it. ``fake:NAME?option=value`` with the options
``script`` (see ``Script``), ``fail_every`` (each n-th call is retryable), ``delay_ms``,
``cost_usd``, ``time_limit_s`` and ``in_flight``.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from staging_core.errors import Busy, Moderated, Refused, Retryable, SettingError
from staging_core.interfaces import OpenContext, Photo
from staging_core.models import Attempt, Output, Price, Staged, StageRequest
from staging_core.urls import BackendURL

from .fake_card import FAKE_CARD
from .fake_script import Script


class Call(msgspec.Struct, frozen=True):
    """One call of ``stage``: what was asked, and the script's word for it."""

    attempt_id: str
    number: int
    request: StageRequest
    word: str


class FakeStager:
    """Implements ``Stager``. ``calls`` lists every call, in order; the first sets ``called``."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        name: str = "",
        fail_every: int = 0,
        delay_ms: float = 0.0,
        cost_usd: float = 0.0,
        time_limit_s: float = 60.0,
        in_flight: int = 16,
    ) -> None:
        self.calls: list[Call] = []
        self.called = asyncio.Event()
        self._script = script or Script()
        self._fail_every = fail_every
        self._delay_s = delay_ms / 1000
        self._asked: Counter[str] = Counter()
        self.card = msgspec.structs.replace(
            FAKE_CARD,
            id=f"fake:{name}" if name else "fake",
            price=Price(usd=cost_usd),
            time_limit_s=time_limit_s,
            in_flight=in_flight,
        )

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        """See ``Stager.stage``."""
        word = self._note(request, attempt)
        attempt.progress(0.0, "drawing")
        await asyncio.sleep(self._delay_s)
        _fail(word)
        if word == "hangs":
            await asyncio.Event().wait()
        staged = await self._answer(word, request, photo)
        attempt.progress(1.0, "drawn")
        return staged

    def _note(self, request: StageRequest, attempt: Attempt) -> str:
        word = self._script.word(attempt.number, self._asked[attempt.id])
        self._asked[attempt.id] += 1
        if self._fail_every and (len(self.calls) + 1) % self._fail_every == 0:
            word = "retryable"
        self.called.set()
        self.calls.append(Call(attempt.id, attempt.number, request, word))
        return word

    async def _answer(self, word: str, request: StageRequest, photo: Photo) -> Staged:
        cost_usd = self.card.price.usd
        if word == "empty":
            return Staged(outputs=(), cost_usd=cost_usd)
        data, report = await asyncio.to_thread(_draw, word, request, await photo.read())
        return Staged(outputs=(Output(data=data),), cost_usd=cost_usd, report=report)


def _draw(word: str, request: StageRequest, photo: bytes) -> tuple[bytes, dict[str, object]]:
    from . import fake_picture

    match word:
        case "garbage":
            return b"\x00\x01 this was never a picture", {}
        case "html":
            return b"<!doctype html><title>502 Bad Gateway</title>", {}
        case "identical":
            return photo, {}
        case "blank":
            return fake_picture.blank(photo), {}
        case "wrong_size":
            return fake_picture.shrunk(photo, request), {}
    data, box = fake_picture.furnish(photo, request)
    return data, {"block_px": list(box)}


def _fail(word: str) -> None:
    """Raise what the word says; ``crash`` ends the process as ``kill -9`` would."""
    match word:
        case "busy":
            raise Busy("The fake stager is busy.", retry_after_s=0.05)
        case "refused":
            raise Refused("The fake stager refuses this photo.")
        case "moderated":
            raise Moderated("The fake stager's safety filter said no.")
        case "retryable":
            raise Retryable("The fake stager failed.")
        case "raises":
            raise RuntimeError("the fake stager has a bug")
        case "crash":
            os.kill(os.getpid(), signal.SIGKILL)


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    script: str = ""
    fail_every: int = 0
    delay_ms: float = 0.0
    cost_usd: float = 0.0
    time_limit_s: float = 60.0
    in_flight: int = 16


@asynccontextmanager
async def open_fake(url: BackendURL, context: OpenContext) -> AsyncIterator[FakeStager]:
    """Open ``fake:NAME?options``; ``SettingError`` names an option or a word that is wrong."""
    try:
        options = msgspec.convert(dict(url.options), _Options, strict=False)
    except msgspec.ValidationError as error:
        raise SettingError(f"{url}: {error}.") from error
    yield FakeStager(
        Script.parse(options.script),
        name=url.path,
        fail_every=options.fail_every,
        delay_ms=options.delay_ms,
        cost_usd=options.cost_usd,
        time_limit_s=options.time_limit_s,
        in_flight=options.in_flight,
    )
