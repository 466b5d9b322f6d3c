"""A stager whose provider is a function: what it was asked, and what it answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from staging_core.backends.replicate.account import Account
from staging_core.backends.replicate.shelf import card_of
from staging_core.backends.replicate.stager import ReplicateStager
from staging_core.models import Attempt, StageRequest
from staging_core.testing.fake_photo import FakePhoto

API = "https://api.replicate.com"
TOKEN = "r8_never_to_be_seen"  # noqa: S105 - nobody's
QWEN = "qwen/qwen-image-edit"
REQUEST = StageRequest(room="living_room", style="japandi", seed=7)
PUBLIC = "https://staging.example/api/v1/callbacks"
Answer = Callable[[httpx.Request], httpx.Response]


class Provider:
    """``requests``: every request, in order. ``answer``: what it is given back."""

    def __init__(self, answer: Answer, *, api: str = API) -> None:
        self.requests: list[httpx.Request] = []
        self.answer = answer
        self.api = api

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)

    def account(self) -> Account:
        return Account(TOKEN, api=self.api, transport=httpx.MockTransport(self.handle))

    def stager(
        self,
        model: str = QWEN,
        *,
        version: str = "",
        secrets: tuple[str, ...] = (),
        clock: Callable[[], float] = time.time,
        **card: Any,
    ):
        facts = msgspec.structs.replace(card_of(model), **card)
        return ReplicateStager(
            self.account(),
            facts,
            api=self.api,
            version=version,
            secrets=secrets,
            clock=clock,
        )

    def creates(self) -> list[dict[str, Any]]:
        """The bodies of the creates."""
        return [
            json.loads(request.content)
            for request in self.requests
            if request.method == "POST" and request.url.path.endswith("/predictions")
        ]


def says(status: int = 200, body: Any = None, **headers: str) -> Answer:
    """Always the same answer; text as it is, everything else as JSON."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(request: httpx.Request) -> httpx.Response:
        if isinstance(body, str):
            return httpx.Response(status, text=body, headers=names)
        return httpx.Response(status, json=body, headers=names)

    return answer


def breaks(error: type[httpx.HTTPError]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("https://secret.example/photo?signature=x")

    return answer


def created(request: httpx.Request) -> httpx.Response:
    return httpx.Response(201, json={"id": "p1", "status": "starting"})


def attempt(id: str = "a1", *, callback: bool = True, seconds: float = 300) -> Attempt:
    return Attempt(
        id=id,
        number=1,
        deadline=time.time() + seconds,
        callback_url=f"{PUBLIC}/{id}" if callback else None,
    )


def photo(width: int = 96, height: int = 64, *, url: str | None = None) -> FakePhoto:
    drawn = FakePhoto.drawn(width, height)
    drawn._public_url = url
    return drawn
