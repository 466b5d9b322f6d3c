"""What a call goes through before and after the API: keys, faults, idempotency, headers."""

from __future__ import annotations

import asyncio

from staging_core.testing.double.message import Answer, HangUp, Request, json_answer

from .account import VERSION, Account, Cause
from .api import Api
from .idempotency import Idempotency
from .refusal import Refused, unspoken
from .webhooks import spoken

BROKEN = {"message": "An unknown error occurred", "type": "api_error"}


class Gate:
    """One call at a time is at work; those that are slow wait outside."""

    def __init__(self, account: Account, api: Api) -> None:
        self._account, self._api = account, api
        self._idempotency = Idempotency(account.timeline.now)

    async def answer(self, request: Request) -> Answer:
        """The answer of the API, or what is in its way."""
        cause = Cause(
            self._account.store.new_id("req"),
            request.headers.get("idempotency-key") if request.method == "POST" else None,
        )
        try:
            self._check(request)
        except Refused as refused:
            return _headed(refused.answer(), cause)
        fault = self._account.dice.of_call(request.method, request.path)
        answer = _before(fault)
        if answer is None:
            answer = await self._once(request, cause, fault)
        if fault == "lost_answer":
            raise HangUp(fault=fault, request=cause.id, key=cause.idempotency_key)
        if fault == "slow_after":
            await asyncio.sleep(self._account.dice.chaos.slow_s)
        answer = _headed(answer, cause)
        answer.about = {**answer.about, "request": cause.id, "key": cause.idempotency_key}
        if fault:
            answer.about["fault"] = fault
        return answer

    def _check(self, request: Request) -> None:
        key = _key(request)
        if not key:
            raise _unknown_key(
                "You did not provide an API key. You need to provide your API key in the"
                " Authorization header, using Bearer auth (e.g. 'Authorization: Bearer"
                " YOUR_SECRET_KEY')."
            )
        if key not in self._account.settings.keys:
            raise _unknown_key(f"Invalid API Key provided: {key[:8]}****{key[-4:]}")
        if "stripe-account" in request.headers:
            raise unspoken("Connect")
        spoken(request.headers.get("stripe-version"))

    async def _once(self, request: Request, cause: Cause, fault: str | None) -> Answer:
        """The effect, and the answer that its key keeps."""
        key = cause.idempotency_key
        if key is not None:
            try:
                before = self._idempotency.begin(key, (request.method, request.path, request.body))
            except Refused as refused:
                return refused.answer()
            if before is not None:
                headers = {**before.headers, "idempotent-replayed": "true"}
                return Answer(
                    status=before.status,
                    body=before.body,
                    headers=headers,
                    about={**before.about, "replayed": True},
                )
        if fault == "slow":
            await asyncio.sleep(self._account.dice.chaos.slow_s)
        if fault != "error_kept":
            answer, ran = self._run(request, cause)
        if fault in ("error_after", "error_kept"):
            answer, ran = json_answer({"error": BROKEN}, 500), True
        if key is not None and ran:
            self._idempotency.finish(key, answer)
        elif key is not None:
            self._idempotency.forget(key)
        return answer

    def _run(self, request: Request, cause: Cause) -> tuple[Answer, bool]:
        """The answer, and whether anything was begun."""
        self._account.cause = cause
        try:
            return json_answer(self._api.run(request)), True
        except Refused as refused:
            return refused.answer(), refused.ran
        finally:
            self._account.cause = Cause()


def _key(request: Request) -> str | None:
    """The secret key, as a bearer's or as the name of basic authentication."""
    if token := request.token():
        return token
    return request.basic_name()


def _unknown_key(message: str) -> Refused:
    return Refused(message, status=401, ran=False)


def _before(fault: str | None) -> Answer | None:
    """What keeps the call from having any effect."""
    match fault:
        case "cut_before":
            raise HangUp(fault=fault)
        case "busy":
            error = {
                "message": "Request rate limit exceeded.",
                "type": "invalid_request_error",
                "code": "rate_limit",
            }
            answer = json_answer({"error": error}, 429)
            answer.headers = {**answer.headers, "stripe-rate-limited-reason": "global-rate"}
            return answer
        case "error_before":
            return json_answer({"error": BROKEN}, 500)
        case _:
            return None


def _headed(answer: Answer, cause: Cause) -> Answer:
    headers = {
        **answer.headers,
        "request-id": cause.id or "",
        "stripe-version": VERSION,
    }
    if cause.idempotency_key is not None:
        headers["idempotency-key"] = cause.idempotency_key
    if answer.status == 409:
        headers["stripe-should-retry"] = "true"
    return Answer(status=answer.status, body=answer.body, headers=headers, about=dict(answer.about))
