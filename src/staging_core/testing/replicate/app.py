"""The double as a plain ASGI application.

Weak spots: what the documentation leaves open is guessed (see the reference of the test doubles):
long data URIs are shown as URLs of the provider's copy, a call over the limit is told to wait for
one call's share of the minute, and models other than those of the catalogue are not known.
Deployments, trainings, streaming and collections are not spoken.
"""

from __future__ import annotations

from typing import Any

from staging_core.testing.double.app import DoubleApp
from staging_core.testing.double.message import Answer, Request
from staging_core.testing.double.router import Router
from staging_core.testing.double.timeline import Timeline
from staging_core.testing.double.truth import Truth

from .blobs import Blobs
from .callbacks import Callbacks
from .chaos import Chaos, Dice
from .course import Course
from .creation import Creation
from .deliveries import Deliveries
from .files import Files
from .limits import GRANTED, Limits
from .photos import Photos
from .predictions import Predictions
from .private import Private
from .problem import not_found, problem
from .provider import Provider
from .reading import Reading
from .settings import Settings


class ReplicateDouble(DoubleApp):
    """One provider with its own time, memory and truth; lifespan or ``aclose`` closes it."""

    def __init__(self, settings: Settings | None = None, chaos: Chaos | None = None) -> None:
        self.settings = settings or Settings()
        timeline = Timeline(self.settings.time_factor)
        self.provider = Provider(
            settings=self.settings,
            timeline=timeline,
            dice=Dice(self.settings.seed, chaos or Chaos()),
            predictions=Predictions(timeline.now),
            truth=Truth(timeline, self.settings.log),
        )
        self._blobs = Blobs()
        self._build()
        creates = GRANTED if self.settings.granted else self.settings.creates_per_minute
        self._limits = Limits(timeline.now, creates, self.settings.others_per_minute)
        self._reads = 0

    async def aclose(self) -> None:
        """Stop all predictions and callbacks, and delete what was kept."""
        await self._course.close()
        await self._callbacks.close()
        await self._photos.aclose()
        self.provider.truth.close()
        self._blobs.close()

    # --- what it is made of ---------------------------------------------------------------------

    def _build(self) -> None:
        provider, seed = self.provider, self.settings.seed
        self._callbacks = Callbacks(provider)
        files = Files(self._blobs, provider.now, seed)
        self._photos = Photos(self._blobs, files)
        self._course = Course(provider, self._callbacks, self._photos)
        creation = Creation(provider, self._photos, self._course)
        self._router = Router()
        self._route_predictions(creation, Reading(provider, self._course))
        self._route_files(files, Deliveries(provider, self._blobs))
        self._route_private(Private(provider, self._course))

    def _route_predictions(self, creation: Creation, reading: Reading) -> None:
        add, model = self._router.add, "/v1/models/{owner}/{name}"
        add("GET", "/v1/predictions/{id}", reading.prediction)
        add("POST", f"{model}/predictions", creation.by_model)
        add("POST", "/v1/predictions", creation.by_version)
        add("GET", "/v1/predictions", reading.predictions)
        add("POST", "/v1/predictions/{id}/cancel", reading.cancel)
        add("GET", "/v1/account", reading.account)
        add("GET", "/v1/models", reading.models)
        add("GET", model, reading.model)
        add("GET", f"{model}/versions", reading.versions)
        add("GET", f"{model}/versions/{{id}}", reading.version)
        add("GET", "/v1/webhooks/default/secret", reading.secret)

    def _route_files(self, files: Files, deliveries: Deliveries) -> None:
        self._router.add("GET", "/delivery/{id}/{name}", deliveries.get)
        self._router.add("POST", "/v1/files", files.create)
        self._router.add("GET", "/v1/files", files.list)
        self._router.add("GET", "/v1/files/{id}", files.get)
        self._router.add("DELETE", "/v1/files/{id}", files.delete)

    def _route_private(self, private: Private) -> None:
        self._router.add("GET", "/_truth", private.truth)
        self._router.add("GET", "/_truth/predictions", private.outcomes)
        self._router.add("GET", "/_truth/counts", private.counts)
        self._router.add("GET", "/_chaos", private.chaos)
        self._router.add("POST", "/_chaos", private.set_chaos)
        self._router.add("POST", "/_chaos/next", private.then)
        self._router.add("POST", "/_clock", private.clock)
        self._router.add("POST", "/_predictions/{id}/{deed}", private.act)

    # --- one request ----------------------------------------------------------------------------

    async def answer(self, request: Request) -> Answer:
        if request.path.startswith("/v1/") and (refused := self._refusal(request)):
            return refused
        found = self._router.find(request)
        if found is None:
            return not_found()
        handler, parts = found
        return await handler(request, **parts)

    def _refusal(self, request: Request) -> Answer | None:
        """What keeps a call out of the API: no token, a wrong one, too many calls, chaos."""
        token = request.token()
        if token not in self.settings.tokens:
            kind = "a valid" if token else "an"
            detail = f"You did not pass {kind} authentication token"
            return problem(401, detail, "Unauthenticated")
        creates = request.method == "POST" and request.path.endswith("/predictions")
        if refused := self._limits.refusal(token or "", "create" if creates else "other"):
            return refused
        if not creates:
            self._reads += 1
            if self.provider.dice.reading_fails(self._reads):
                return problem(503, "The service is unavailable.", "Service unavailable")
        return None

    def tell(self, request: Request, status: int | None, about: dict[str, Any]) -> None:
        if request.path.startswith("/_"):
            return
        delivery = request.path.startswith("/delivery/")
        if delivery and "authorization" in request.headers:
            self.provider.truth.tell("leak", path=request.path, **about)
        self.provider.truth.tell(
            "output" if delivery else "request",
            method=request.method,
            path=request.path,
            status=status,
            **about,
        )
