"""Whatever answers in place of the server: a typed error, in bounded time and memory."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from typing import Any

import pytest

from staging_core import Staging, StagingError
from staging_core.errors import (
    AnswerNotUnderstood,
    BadInput,
    NotFound,
    Overloaded,
    RateLimited,
    ServerUnreachable,
    TooManyQueued,
    UnknownStyle,
    ValidationFailed,
)
from staging_core.remote import wire

from .listening import JSON, ME, PROBLEM, Scripted, serving

HTML = {"content-type": "text/html"}
TOKEN = "sk_stg_secret"  # noqa: S105 - of nobody


def problem(status: int, code: str, **more: Any) -> tuple[int, dict[str, str], bytes]:
    headers = more.pop("headers", {})
    body = {"code": code, "detail": "Told.", "request_id": "r-1", **more}
    return status, {**PROBLEM, **headers}, json.dumps(body).encode()


async def told(*answers: tuple[int, dict[str, str], bytes], **options: Any) -> Any:
    """What ``projects.get`` makes of answers, and the server."""
    server = Scripted(ME, *answers)
    options = {"patience_s": 0.0, "timeout_s": 5.0, **options}
    async with serving(server) as url, Staging.connect(url, token=TOKEN, **options) as me:
        try:
            return await me.projects.get("p"), server
        except StagingError as error:
            return error, server


GARBAGE = {
    "a page": (200, HTML, b"<html>Sign in</html>"),
    "a page that says it is JSON": (200, JSON, b"<html>Sign in</html>"),
    "half an answer": (200, JSON, b'{"id": "p", "name": "Elm", "user'),
    "nothing": (200, JSON, b""),
    "another thing": (200, JSON, b'{"images": []}'),
    "a list": (200, JSON, b"[]"),
    "a wrong type": (200, JSON, b'{"id":"p","name":7,"user_id":"u","created_at":"x"}'),
    "no time": (200, JSON, b'{"id":"p","name":"a","user_id":"u","created_at":"today"}'),
    "no such day": (
        200,
        JSON,
        b'{"id":"p","name":"a","user_id":"u","created_at":"2026-02-30T00:00:00Z"}',
    ),
    "no text": (200, JSON, b'{"id": "\xff\xfe"}'),
    "very deep": (200, JSON, b"[" * 100_000),
    "an unknown kind": (200, {}, b"{}"),
    "a page that refuses": (404, HTML, b"<html>Not here</html>"),
    "a page that fails": (500, HTML, b"<html>Oops</html>"),
    "a problem that is none": (422, PROBLEM, b'{"code": 7}'),
    "half a problem": (422, PROBLEM, b'{"code": "not_f'),
    "a problem that says it is JSON": (404, JSON, b'{"code": "not_found"}'),
    "packed": (200, {**JSON, "content-encoding": "gzip"}, gzip.compress(b"{}")),
    "a redirect": (302, {"location": "/elsewhere"}, b""),
    "not modified": (304, {}, b""),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_answer_of_the_api_is_a_typed_error(name: str) -> None:
    error, _ = asyncio.run(told(GARBAGE[name]))
    assert isinstance(error, AnswerNotUnderstood)
    assert TOKEN not in str(error)
    assert "proxy" in error.remedy


def test_a_redirect_is_not_followed_and_no_token_goes_there() -> None:
    async def scenario() -> None:
        elsewhere = Scripted((200, JSON, b"{}"))
        async with serving(elsewhere) as other:
            for status in (301, 302, 303, 307, 308):
                error, server = await told((status, {"location": f"{other}/steal"}, b""))
                assert isinstance(error, AnswerNotUnderstood)
                assert "redirect" in error.message
                assert server.asked[-1][1]["authorization"] == f"Bearer {TOKEN}"
        assert elsewhere.asked == []

    asyncio.run(scenario())


def test_an_answer_without_end_is_read_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].endswith("/me"):
            await Scripted(ME)(scope, receive, send)
            return
        status = 200 if "good" in scope["path"] else 500
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for _ in range(1_000):
            await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})

    async def scenario() -> None:
        monkeypatch.setattr(wire, "MOST_JSON", 1 << 20)
        async with serving(endless) as url, Staging.connect(url, patience_s=0) as me:
            for name in ("good", "bad"):
                with pytest.raises(AnswerNotUnderstood, match="longer than"):
                    await me.projects.get(name)

    asyncio.run(scenario())


def test_an_answer_that_trickles_is_not_waited_for() -> None:
    async def trickle(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].endswith("/me"):
            await Scripted(ME)(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(100):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(0.1)

    async def scenario() -> None:
        async with (
            serving(trickle) as url,
            Staging.connect(url, timeout_s=0.5, patience_s=0) as me,
        ):
            began = time.monotonic()
            with pytest.raises(ServerUnreachable, match="too long"):
                await me.projects.get("p")
            assert time.monotonic() - began < 5

    asyncio.run(scenario())


# --- refusals -------------------------------------------------------------------------------------


def test_a_refusal_is_the_error_that_the_server_raised() -> None:
    async def scenario() -> None:
        error, _ = await told(problem(422, "unknown_style", remedy="Did you mean modern?"))
        assert type(error) is UnknownStyle
        assert (error.message, error.remedy) == ("Told.", "Did you mean modern?")
        assert "r-1" in error.__notes__[0]
        error, _ = await told(problem(404, "not_found"))
        assert type(error) is NotFound
        assert error.remedy == NotFound.remedy_hint
        fields = [{"field": "name", "message": "is wrong."}]
        error, _ = await told(problem(422, "validation_failed", validation_errors=fields))
        assert isinstance(error, ValidationFailed)
        assert error.fields == {"name": "is wrong."}
        error, _ = await told(problem(418, "teapot", remedy="Use a kettle."))
        assert type(error) is StagingError
        assert (error.code, error.status, error.remedy) == ("teapot", 418, "Use a kettle.")
        assert (StagingError.code, StagingError.status) == ("internal_error", 500)

    asyncio.run(scenario())


ELM = (200, JSON, b'{"id":"p","name":"Elm","user_id":"u","created_at":"2026-03-01T12:00:00Z"}')


@pytest.mark.parametrize(
    "answer",
    [
        problem(429, "rate_limited", headers={"retry-after": "1"}),
        problem(503, "overloaded", headers={"retry-after": "1"}),
        problem(503, "sign_in_unavailable", headers={"retry-after": "1"}),
        (429, {**HTML, "retry-after": "1"}, b"<html>Slow down</html>"),
    ],
)
def test_later_is_as_late_as_the_server_says(answer: tuple[int, dict[str, str], bytes]) -> None:
    began = time.monotonic()
    project, server = asyncio.run(told(answer, ELM, patience_s=30.0))
    assert project.name == "Elm"
    assert time.monotonic() - began >= 1
    assert len(server.asked) == 3


def test_what_is_away_for_a_moment_is_tried_again() -> None:
    away = [problem(503, "database_failed"), (502, HTML, b"<html>Bad gateway</html>")]
    project, server = asyncio.run(told(*away, ELM, patience_s=60.0))
    assert project.name == "Elm"
    traces = {headers["traceparent"] for _, headers in server.asked}
    assert len(traces) == len(server.asked) == 4


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (problem(429, "rate_limited", headers={"retry-after": "3600"}), RateLimited),
        (problem(429, "too_many_queued", headers={"retry-after": "1"}), TooManyQueued),
        (problem(503, "service_unavailable"), StagingError),
        (problem(500, "internal_server_error"), StagingError),
        (problem(503, "overloaded", headers={"retry-after": "100"}), Overloaded),
    ],
)
def test_what_will_not_pass_soon_is_told_at_once(answer: Any, kind: type[StagingError]) -> None:
    error, server = asyncio.run(told(answer, ELM, patience_s=20.0))
    assert isinstance(error, kind)
    assert len(server.asked) == 2
    told_s = answer[1].get("retry-after")
    assert getattr(error, "retry_after_s", None) == (told_s and float(told_s))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a?b", "a%2Fb", "ä", "x" * 65, None, 7])
def test_what_no_id_can_be_is_asked_of_nobody(name: Any) -> None:
    async def scenario() -> None:
        server = Scripted(ME, ELM)
        async with serving(server) as url, Staging.connect(url) as me:
            for call in (me.projects.get, me.projects.delete, me.images.get, me.jobs.get):
                with pytest.raises(NotFound):
                    await call(name)
        assert len(server.asked) == 1

    asyncio.run(scenario())


def test_what_json_cannot_say_is_asked_of_nobody() -> None:
    async def scenario() -> None:
        deep: Any = []
        for _ in range(100_000):
            deep = [deep]
        server = Scripted(ME, ELM)
        async with serving(server) as url, Staging.connect(url) as me:
            for options in ({"x": float("nan")}, {"x": b"bytes"}, {"x": object()}, {"x": deep}):
                with pytest.raises(BadInput):
                    await me.images.submit(upload_id="u", options=options)
        assert len(server.asked) == 1

    asyncio.run(scenario())
