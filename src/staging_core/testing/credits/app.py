"""The double as a plain ASGI application.

Weak spots: one token, one credit an image, no prices of its own, no pages; it forgets nothing, and
trusts whoever reaches its port with what tests ask (paths that begin with ``/_``).
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from staging_core.testing.double.app import DoubleApp
from staging_core.testing.double.message import Answer, HangUp, Request, json_answer
from staging_core.testing.double.router import Router
from staging_core.testing.double.timeline import Timeline
from staging_core.testing.double.truth import Truth

from .book import Book, Hold, Refused
from .chaos import Chaos, Dice, Planned
from .settings import Settings


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a hold."""

    id: str
    account: str
    images: int
    cents: int = 0
    currency: str = "usd"
    model: str = ""


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a settlement."""

    captured: int = 0
    released: int = 0


class CreditsDouble(DoubleApp):
    """One credit service with its own books, memory and truth."""

    def __init__(self, settings: Settings | None = None, chaos: Chaos | None = None) -> None:
        self.settings = settings or Settings()
        self.truth = Truth(Timeline(), self.settings.log)
        self.book = Book(self.truth.tell, credits=self.settings.credits)
        self.dice = Dice(self.settings.seed, chaos or Chaos())
        self._api, self._private = Router(), Router()
        self._route()

    async def aclose(self) -> None:
        """Nothing is told afterwards."""
        self.truth.close()

    async def answer(self, request: Request) -> Answer:
        """The API under ``/v1``, and what tests ask."""
        if not request.path.startswith("/v1/"):
            return await self._by(self._private, request)
        if request.token() != self.settings.token:
            return _refusal(Refused(401, "unauthorized", "The token is missing or wrong."))
        fault = self.dice.of_call(request.method, request.path)
        if fault == "busy":
            return _failed(429, "busy", fault)
        if fault == "error_before":
            return _failed(500, "internal_error", fault)
        answer = await self._by(self._api, request)
        if fault == "lost_answer":
            raise HangUp(fault=fault)
        if fault == "error_after":
            return _failed(500, "internal_error", fault)
        if fault == "slow_after":
            await asyncio.sleep(self.dice.chaos.slow_s)
        return answer

    def tell(self, request: Request, status: int | None, about: dict[str, Any]) -> None:
        """Every call of the API is a line; what tests ask is not."""
        if request.path.startswith("/v1/"):
            told = {"method": request.method, "path": request.path, "status": status}
            self.truth.tell("request", **told, **about)

    async def _by(self, router: Router, request: Request) -> Answer:
        found = router.find(request)
        if found is None:
            return _refusal(Refused(404, "not_found", "There is no such path."))
        handler, parts = found
        try:
            return await handler(request, **parts)
        except Refused as refused:
            return _refusal(refused)
        except (ValueError, msgspec.ValidationError) as wrong:
            return _refusal(Refused(422, "invalid", str(wrong)))

    def _route(self) -> None:
        add = self._api.add
        add("POST", "/v1/holds", self._hold)
        add("GET", "/v1/holds/{id}", self._look)
        add("POST", "/v1/holds/{id}/settle", self._settle)
        add("GET", "/v1/accounts/{account}", self._account)
        add = self._private.add
        add("GET", "/_truth", self._truth)
        add("GET", "/_holds", self._holds)
        add("POST", "/_accounts/{account}", self._give)
        add("POST", "/_chaos", self._chaos)
        add("POST", "/_chaos/next", self._next)

    # --- the API --------------------------------------------------------------------------------

    async def _hold(self, request: Request) -> Answer:
        wanted = msgspec.convert(request.object(), Wanted)
        if not wanted.id or not wanted.account or wanted.images < 1 or wanted.cents < 0:
            raise Refused(422, "invalid", "A hold has an id, an account and at least one image.")
        hold = self.book.hold(Hold(**msgspec.structs.asdict(wanted)))
        return json_answer(hold, 201)

    async def _look(self, request: Request, id: str) -> Answer:
        if id not in self.book.holds:
            raise Refused(404, "not_found", "Nothing is held under this id.")
        return json_answer(self.book.holds[id])

    async def _settle(self, request: Request, id: str) -> Answer:
        ending = msgspec.convert(request.object(), Ending)
        if min(ending.captured, ending.released) < 0:
            raise Refused(422, "invalid", "Neither number is below zero.")
        return json_answer(self.book.settle(id, ending.captured, ending.released))

    async def _account(self, request: Request, account: str) -> Answer:
        return json_answer({"left": self.book.left(account), "held": self.book.held(account)})

    # --- what tests ask -------------------------------------------------------------------------

    async def _truth(self, request: Request) -> Answer:
        return Answer(body=self.truth.text(int(request.query.get("since", 0))))

    async def _holds(self, request: Request) -> Answer:
        return json_answer(list(self.book.holds.values()))

    async def _give(self, request: Request, account: str) -> Answer:
        self.book.give(account, int(request.object()["credits"]))
        return await self._account(request, account)

    async def _chaos(self, request: Request) -> Answer:
        changed = {**msgspec.structs.asdict(self.dice.chaos), **request.object()}
        self.dice.chaos = msgspec.convert(changed, Chaos, strict=False)
        return json_answer(self.dice.chaos)

    async def _next(self, request: Request) -> Answer:
        self.dice.then(msgspec.convert(request.object(), Planned))
        return json_answer({})


def _refusal(refused: Refused) -> Answer:
    return json_answer(refused.told, refused.status, code=refused.told["code"])


def _failed(status: int, code: str, fault: str) -> Answer:
    return json_answer({"code": code, "message": "Try again later."}, status, fault=fault)
