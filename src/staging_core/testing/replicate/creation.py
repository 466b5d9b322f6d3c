"""Making a prediction: what a request must be, and what chaos makes of the answer."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from staging_core.testing.double.message import Answer, HangUp, Request, json_answer

from .catalogue import BY_ID, BY_VERSION
from .chaos import Fate
from .course import Course
from .inputs import refusal
from .limits import throttled
from .model import Model
from .photos import Photos
from .prediction import Prediction
from .predictions import prediction_id
from .problem import not_found, problem
from .provider import Provider

EVENTS = frozenset({"start", "output", "logs", "completed"})
_BY_DEFAULT = frozenset({"output", "completed"})
_MEMBERS = {"version", "input", "webhook", "webhook_completed", "webhook_events_filter", "stream"}
_LIFETIME = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_SHORTEST_S = 5.0
_LONGEST_WAIT_S = 60.0
_NO_VERSION = (
    "The specified version does not exist (or perhaps you don't have permission to use it?)"
)


class Creation:
    """Answers the three ways of naming a model: by its path, its name or its version."""

    def __init__(self, provider: Provider, photos: Photos, course: Course) -> None:
        self._settings, self._timeline = provider.settings, provider.timeline
        self._dice, self._truth = provider.dice, provider.truth
        self._predictions, self._photos, self._course = provider.predictions, photos, course
        self._asked = 0

    async def by_model(self, request: Request, owner: str, name: str) -> Answer:
        """``POST /v1/models/{owner}/{name}/predictions``: official models only."""
        model = BY_ID.get(f"{owner}/{name}")
        if model is None or not model.official:
            return not_found()
        return await self._create(request, model)

    async def by_version(self, request: Request) -> Answer:
        """``POST /v1/predictions`` with ``version``."""
        body = _body(request)
        if isinstance(body, Answer):
            return body
        name, _, version = str(body.get("version", "")).rpartition(":")
        model = BY_VERSION.get(version)
        if model is None and not name and (named := BY_ID.get(version)) and named.official:
            model = named
        if model is None or (name and name != model.id):
            return problem(422, _NO_VERSION, "Invalid version or not permitted")
        return await self._create(request, model)

    async def _create(self, request: Request, model: Model) -> Answer:
        body = _body(request)
        if isinstance(body, Answer):
            return body
        lifetime = _lifetime(request.headers.get("cancel-after"))
        if isinstance(lifetime, Answer):
            return lifetime
        if refused := _refused_members(body) or refusal(model, body.get("input")):
            return refused
        self._asked += 1
        fate = self._dice.fate(self._asked)
        if fate.answer == "busy":
            answer = throttled(self._dice.chaos.retry_after_s)
            answer.about = {"fault": "busy"}
            return answer
        if fate.answer == "error_before":
            return _broken({"fault": "error_before"})
        prediction = self._made(request, model, body, fate, lifetime)
        return await self._answered(request, prediction)

    def _made(
        self,
        request: Request,
        model: Model,
        body: dict[str, Any],
        fate: Fate,
        lifetime: float | None,
    ) -> Prediction:
        now, ordinal = self._timeline.now(), len(self._predictions)
        late = self._dice.chaos.late_landing_s if fate.answer == "late_landing" else 0.0
        webhook = body.get("webhook") or body.get("webhook_completed")
        asked_for = body.get("webhook_events_filter")
        prediction = Prediction(
            id=prediction_id(self._settings.seed, ordinal),
            ordinal=ordinal,
            model=model,
            input=self._photos.kept(body["input"], self._settings.outputs_url or request.base_url),
            fate=fate,
            base_url=request.base_url,
            created=now,
            visible=now + late,
            deadline=now + lifetime if lifetime else None,
            webhook=webhook,
            events=_BY_DEFAULT if asked_for is None else frozenset(asked_for),
            attempt=urlsplit(webhook).path.rpartition("/")[2] or None if webhook else None,
        )
        self._predictions.add(prediction)
        self._truth.tell(
            "prediction",
            prediction=prediction.id,
            model=model.id,
            attempt=prediction.attempt,
            visible_at=prediction.visible,
            faults=fate.faults(),
        )
        self._course.begin(prediction)
        return prediction

    async def _answered(self, request: Request, prediction: Prediction) -> Answer:
        about = {"prediction": prediction.id}
        match prediction.fate.answer:
            case "error_after":
                return _broken({**about, "fault": "error_after"})
            case "lost_answer" | "late_landing":
                raise HangUp(**about, fault=prediction.fate.answer)
        wait = _wait(request.headers.get("prefer", ""))
        if wait:
            await self._course.end_of(prediction, wait)
        status = 202 if wait and not prediction.ended else 201
        return json_answer(prediction.shown(self._timeline.now()), status, **about)


def _body(request: Request) -> dict[str, Any] | Answer:
    try:
        body = request.json()
    except ValueError:
        return problem(400, "The request body is not valid JSON.", "Bad request")
    return body if isinstance(body, dict) else problem(400, "The body is no object.", "Bad request")


def _refused_members(body: dict[str, Any]) -> Answer | None:
    if unknown := sorted(body.keys() - _MEMBERS):
        return problem(422, f"- {unknown[0]}: Additional property {unknown[0]} is not allowed\n")
    if "input" not in body:
        return problem(422, "- input is required\n", "Input validation failed")
    webhook = body.get("webhook") or body.get("webhook_completed")
    if webhook is not None and urlsplit(str(webhook)).scheme not in ("http", "https"):
        return problem(422, "- webhook: Does not match format 'uri'\n", "Input validation failed")
    if not _known_events(body.get("webhook_events_filter")):
        return problem(422, "- webhook_events_filter: unknown event\n", "Input validation failed")
    return None


def _known_events(asked_for: Any) -> bool:
    if asked_for is None:
        return True
    return isinstance(asked_for, list) and all(one in EVENTS for one in map(str, asked_for))


def _lifetime(header: str | None) -> float | Answer | None:
    """The seconds of a ``Cancel-After`` such as 90, 90s, 5m or 1h30m45s."""
    if header is None:
        return None
    match = _LIFETIME.fullmatch(header.strip())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    lifetime = hours * 3600.0 + minutes * 60 + seconds
    if lifetime < _SHORTEST_S:
        return problem(400, "Cancel-After must be a duration of at least 5 seconds.", "Bad request")
    return lifetime


def _wait(prefer: str) -> float:
    """The seconds of ``Prefer: wait`` or ``wait=n``; 0 without."""
    name, _, seconds = prefer.strip().partition("=")
    if name != "wait":
        return 0.0
    return min(_LONGEST_WAIT_S, float(seconds)) if seconds.isdigit() else _LONGEST_WAIT_S


def _broken(about: dict[str, Any]) -> Answer:
    answer = problem(500, "An unexpected error occurred.", "Internal server error")
    answer.about = about
    return answer
