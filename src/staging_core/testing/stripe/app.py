"""The double as a plain ASGI application.

Weak spots: see "What is a guess, what is missing" in the reference of the test doubles. Above all:
what is due happens when somebody calls or when time is advanced, not by itself; one account, one
version of the API, cards only, no tax amounts, no Connect; a parameter that Stripe has and the
double has not is refused with 501 and ``not_in_the_double``.
"""

from __future__ import annotations

from typing import Any

from staging_core.testing.double.app import DoubleApp
from staging_core.testing.double.message import Answer, Request
from staging_core.testing.double.router import Router
from staging_core.testing.double.timeline import Timeline
from staging_core.testing.double.truth import Truth

from .account import Account
from .chaos import Chaos, Dice
from .gate import Gate
from .html import gone
from .operations import api_of
from .parts import Parts
from .private import Private
from .settings import Settings


class StripeDouble(DoubleApp):
    """One merchant's account with its own time, memory and truth."""

    def __init__(self, settings: Settings | None = None, chaos: Chaos | None = None) -> None:
        self.settings = settings or Settings()
        timeline = Timeline(self.settings.time_factor)
        self.account = Account(
            self.settings,
            timeline,
            Dice(self.settings.seed, chaos or Chaos()),
            Truth(timeline, self.settings.log),
        )
        self._parts = Parts(self.account)
        self.api = api_of(self._parts)
        self._gate = Gate(self.account, self.api)
        self._router = Router()
        self._route()

    async def aclose(self) -> None:
        """Stop all deliveries."""
        await self._parts.webhooks.close()
        self.account.truth.close()

    async def answer(self, request: Request) -> Answer:
        """The API under ``/v1``, customers' pages, and what tests ask."""
        if request.path.startswith("/v1/"):
            return await self._gate.answer(request)
        found = self._router.find(request)
        if found is None:
            return gone()
        handler, parts = found
        return await handler(request, **parts)

    def tell(self, request: Request, status: int | None, about: dict[str, Any]) -> None:
        """Every call of the API is a line; pages and tests are not."""
        if request.path.startswith("/v1/"):
            facts = {"method": request.method, "path": request.path, "status": status}
            self.account.truth.tell("request", **facts, **about)

    def _route(self) -> None:
        pages, add = self._parts.pages, self._router.add
        for method in ("GET", "POST"):
            add(method, "/c/pay/{id}", pages.checkout)
            add(method, "/i/{id}", pages.invoice)
            add(method, "/p/session/{id}", pages.portal)
        add("GET", "/i/{id}/pdf", pages.pdf)
        Private(self._parts).route(self._router)
