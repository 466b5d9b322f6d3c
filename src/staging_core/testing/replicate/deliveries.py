"""Where outputs are fetched: without a token, for an hour, and sometimes not what was hoped for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from functools import cache

from staging_core.testing.double.message import Answer, Request
from staging_core.testing.png_writer import write_png

from .blobs import Blobs
from .course import format_of, seed_parts
from .photos import INPUTS
from .pictures import Recipe, blank, drawn, media_type, photo_size, seed_of
from .prediction import Prediction
from .problem import not_found
from .provider import Provider
from .sizes import output_size

_HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>\n"
_BOMB_SIDE = 20_000


class Deliveries:
    """Draws an output when it is fetched, so that those which nobody fetches cost nothing."""

    def __init__(self, provider: Provider, blobs: Blobs) -> None:
        self._predictions, self._dice, self._now = (
            provider.predictions,
            provider.dice,
            provider.now,
        )
        self._blobs = blobs
        self._one_picture = provider.settings.one_picture
        self._first: dict[tuple[object, ...], Recipe] = {}

    async def get(self, request: Request, id: str, name: str) -> Answer:
        """``GET /delivery/{id}/{name}``: an output, or the copy of an input."""
        if request.path.startswith(INPUTS):
            return self._input(name)
        prediction = self._predictions.known(id)
        if prediction is None or not self._lives(prediction, name):
            answer = not_found()
        else:
            answer = await asyncio.to_thread(self._answer, prediction, name)
        answer.about = {"prediction": id}
        return answer

    def _input(self, name: str) -> Answer:
        try:
            return Answer(body=self._blobs.get(name), headers={"content-type": "image/*"})
        except FileNotFoundError:
            return not_found()

    def _lives(self, prediction: Prediction, name: str) -> bool:
        output = prediction.output or []
        urls = output if isinstance(output, list) else [output]
        named = any(url.rpartition("/")[2] == name for url in urls)
        gone = prediction.fate.output == "expired_output" or prediction.expired(self._now())
        return named and not gone

    def _answer(self, prediction: Prediction, name: str) -> Answer:
        recipe = self._recipe(prediction, name)
        kind = media_type(recipe.format)
        fault = prediction.fate.output
        if fault == "private_redirect":
            return Answer(status=302, headers={"location": self._dice.chaos.redirect_to})
        if fault == "oversized":
            return Answer(more=self._too_much(drawn(recipe)), headers={"content-type": kind})
        if fault == "html":
            return _file(_HTML, "text/html; charset=utf-8")
        return _file(_SPOILED.get(fault or "", drawn)(recipe), kind)

    def _recipe(self, prediction: Prediction, name: str) -> Recipe:
        assert prediction.photo is not None
        photo = self._blobs.path(prediction.photo)
        given = prediction.model.filled(prediction.input)
        width, height = output_size(prediction.model, given, photo_size(photo))
        if prediction.fate.output == "wrong_size":
            width = max(1, width // 2)
        quality = given.get("output_quality") or given.get("output_compression") or 90
        number = int(name.partition(".")[0].removeprefix("out-"))
        seed = seed_of(*seed_parts(prediction.model, given, prediction.ordinal, number))
        furnished = prediction.model.sizes != "upscaled"
        recipe = Recipe(photo, (width, height), format_of(given), int(quality), seed, furnished)
        if self._one_picture:
            return self._first.setdefault((recipe.size, recipe.format, recipe.quality), recipe)
        return recipe

    def _too_much(self, picture: bytes) -> Iterator[bytes]:
        yield picture
        piece = bytes(2**20)
        for _ in range(self._dice.chaos.oversized_bytes // len(piece)):
            yield piece


def _file(data: bytes, kind: str) -> Answer:
    headers = {"content-type": kind, "cache-control": "public, max-age=3600"}
    return Answer(body=data, headers=headers)


def _garbage(recipe: Recipe) -> bytes:
    return random.Random(recipe.seed).randbytes(20_000)  # noqa: S311 - to be repeated


def _identical(recipe: Recipe) -> bytes:
    return recipe.photo.read_bytes()


def _bomb(_: Recipe) -> bytes:
    return _black()


@cache
def _black() -> bytes:
    """A PNG of 50 kB and 400 megapixels."""
    row = bytes(_BOMB_SIDE // 8)
    rows = (row for _ in range(_BOMB_SIDE))
    return write_png(_BOMB_SIDE, _BOMB_SIDE, rows, depth=1, colour=0)


_SPOILED = {"garbage": _garbage, "bomb": _bomb, "blank": blank, "identical": _identical}
