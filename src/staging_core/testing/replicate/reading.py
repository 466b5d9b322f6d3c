"""What is asked of the API but creating: account, models, versions, predictions, the secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from staging_core.testing.double.message import Answer, Request, json_answer

from .catalogue import BY_ID, MODELS
from .course import Course
from .model import Model, openapi_schema
from .problem import not_found, problem
from .provider import Provider

_SINCE = "2026-01-01T00:00:00Z"


class Reading:
    """Answers what changes nothing, and cancelling."""

    def __init__(self, provider: Provider, course: Course) -> None:
        self._secret = provider.settings.signing_secret()
        self._timeline, self._predictions = provider.timeline, provider.predictions
        self._course = course

    async def account(self, request: Request) -> Answer:
        """``GET /v1/account``."""
        name = "staging-core"
        return json_answer(
            {"type": "organization", "username": name, "name": name, "github_url": None}
        )

    async def secret(self, request: Request) -> Answer:
        """``GET /v1/webhooks/default/secret``."""
        return json_answer({"key": self._secret})

    async def models(self, request: Request) -> Answer:
        """``GET /v1/models``: all on one page."""
        return json_answer(_page([_shown(model) for model in MODELS]))

    async def model(self, request: Request, owner: str, name: str) -> Answer:
        """``GET /v1/models/{owner}/{name}``."""
        model = BY_ID.get(f"{owner}/{name}")
        return json_answer(_shown(model)) if model else not_found()

    async def versions(self, request: Request, owner: str, name: str) -> Answer:
        """``GET /v1/models/{owner}/{name}/versions``."""
        model = BY_ID.get(f"{owner}/{name}")
        return json_answer(_page([_version(model)])) if model else not_found()

    async def version(self, request: Request, owner: str, name: str, id: str) -> Answer:
        """``GET /v1/models/{owner}/{name}/versions/{id}``."""
        model = BY_ID.get(f"{owner}/{name}")
        known = model is not None and model.version == id
        return json_answer(_version(model)) if model and known else not_found()

    async def prediction(self, request: Request, id: str) -> Answer:
        """``GET /v1/predictions/{id}``."""
        prediction = self._predictions.get(id)
        if prediction is None:
            return not_found()
        return json_answer(prediction.shown(self._timeline.now()), prediction=id)

    async def cancel(self, request: Request, id: str) -> Answer:
        """``POST /v1/predictions/{id}/cancel``; what has ended stays as it is."""
        prediction = self._predictions.get(id)
        if prediction is None:
            return not_found()
        self._course.cancel(prediction)
        return json_answer(prediction.shown(self._timeline.now()), prediction=id)

    async def predictions(self, request: Request) -> Answer:
        """``GET /v1/predictions``: the newest first, a hundred on a page."""
        query = request.query
        try:
            after, before = _time(query.get("created_after")), _time(query.get("created_before"))
            found, older, newer = self._predictions.page(query.get("cursor"), after, before)
        except ValueError:
            return problem(400, "The cursor or a time is not valid.", "Bad request")
        now = self._timeline.now()
        shown = [prediction.shown(now) for prediction in found]
        return json_answer(_page(shown, _url(request, older), _url(request, newer)))


def _page(
    results: list[dict[str, Any]], next: str | None = None, previous: str | None = None
) -> dict[str, Any]:
    return {"next": next, "previous": previous, "results": results}


def _url(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = {name: value for name, value in request.query.items() if name != "cursor"}
    return f"{request.base_url}{request.path}?{urlencode({**kept, 'cursor': cursor})}"


def _time(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None


def _shown(model: Model) -> dict[str, Any]:
    return {
        "url": f"https://replicate.com/{model.id}",
        "owner": model.owner,
        "name": model.name,
        "description": model.description,
        "visibility": "public",
        "is_official": model.official,
        "github_url": None,
        "paper_url": None,
        "license_url": None,
        "run_count": 0,
        "cover_image_url": None,
        "default_example": None,
        "latest_version": _version(model),
    }


def _version(model: Model) -> dict[str, Any]:
    return {
        "id": model.version,
        "created_at": _SINCE,
        "cog_version": "0.16.0",
        "openapi_schema": openapi_schema(model),
    }
