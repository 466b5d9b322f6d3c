"""What a provider reports reaches ``receive`` as it came, and what it hears back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from staging_core import Settings
from staging_core.errors import DatabaseFailed, InvalidCallback, InvalidSignature, NotFound
from staging_core.models import Callback
from staging_core.rates import Rates
from staging_core.telemetry import SILENT
from staging_embed import staging_app
from staging_embed.routes.callbacks import MOST_BYTES

ATTEMPT = "0123456789abcdef0123456789abcdef"
PATH = f"/api/v1/callbacks/{ATTEMPT}"
ALIAS = "/api/v1/replicate/webhook"


class Inbox:
    """Stands in for an open ``Staging``. ``error``: what it raises instead of answering."""

    def __init__(self) -> None:
        self.settings = Settings.from_keywords()
        self.telemetry = SILENT
        self.rates = Rates(self, None)  # type: ignore[arg-type]
        self.received: list[tuple[Callback, str | None]] = []
        self.error: Exception | None = None

    async def receive(self, callback: Callback, *, attempt_id: str | None = None) -> str:
        if self.error is not None:
            raise self.error
        known = [(item.body, attempt) for item, attempt in self.received]
        self.received.append((callback, attempt_id))
        return "duplicate" if (callback.body, attempt_id) in known else "received"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def client(inbox: Inbox) -> Iterator[TestClient[Any]]:
    with TestClient(
        staging_app(inbox, include={"callbacks"}), raise_server_exceptions=False
    ) as client:
        yield client


# --- what gets in ---------------------------------------------------------------------------------


def test_the_raw_request_is_handed_over(inbox: Inbox, client: TestClient[Any]) -> None:
    body = b'{"id": "p1",  "status":"succeeded"}\n'
    answer = client.post(PATH, content=body, headers={"Webhook-ID": "msg_1", "X-Two": "a"})
    assert (answer.status_code, answer.json()) == (200, {"status": "received"})
    ((callback, attempt),) = inbox.received
    assert (callback.body, attempt) == (body, ATTEMPT)
    assert callback.headers["webhook-id"] == "msg_1"
    assert callback.headers["x-two"] == "a"
    assert abs(callback.received_at - time.time()) < 60


def test_a_header_that_comes_twice_is_joined(inbox: Inbox, client: TestClient[Any]) -> None:
    client.post(PATH, content=b"{}", headers=[("X-Two", "a"), ("X-Two", "b")])
    assert inbox.received[0][0].headers["x-two"] == "a, b"


def test_the_second_delivery_is_a_duplicate(client: TestClient[Any]) -> None:
    assert client.post(PATH, content=b"{}").json() == {"status": "received"}
    assert client.post(PATH, content=b"{}").json() == {"status": "duplicate"}


def test_the_old_address_names_no_attempt(inbox: Inbox, client: TestClient[Any]) -> None:
    assert client.post(ALIAS, content=b"{}").status_code == 200
    assert [attempt for _, attempt in inbox.received] == [None]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_no_content_type_changes_the_bytes(
    inbox: Inbox, client: TestClient[Any], content_type: str
) -> None:
    body = b"a=1&b=%00\xff"
    assert client.post(PATH, content=body, headers={"Content-Type": content_type}).is_success
    assert inbox.received[0][0].body == body


@pytest.mark.parametrize("path", [PATH, ALIAS])
def test_an_empty_body_is_handed_over_too(inbox: Inbox, client: TestClient[Any], path: str) -> None:
    assert client.post(path).status_code == 200
    assert inbox.received[0][0].body == b""


# --- what does not --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [(InvalidSignature(), 401), (InvalidCallback(), 400), (NotFound(), 404)],
)
def test_a_refusal_is_told_as_a_problem(
    inbox: Inbox,
    client: TestClient[Any],
    error: InvalidSignature | InvalidCallback | NotFound,
    status: int,
) -> None:
    inbox.error = error
    answer = client.post(PATH, content=b"{}", headers={"X-Request-ID": "abc-1"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told.pop("title")
    assert told == {
        "type": "about:blank",
        "status": status,
        "detail": error.message,
        "code": error.code,
        "request_id": "abc-1",
        "error": error.code,
        "message": error.message,
        "remedy": error.remedy,
    }
    assert answer.headers["x-request-id"] == "abc-1"


def test_a_body_over_the_limit_is_a_malformed_callback(
    inbox: Inbox, client: TestClient[Any]
) -> None:
    assert client.post(PATH, content=bytes(MOST_BYTES)).status_code == 200
    for path in (PATH, ALIAS):
        answer = client.post(path, content=bytes(MOST_BYTES + 1))
        assert (answer.status_code, answer.json()["code"]) == (400, "callback_invalid")
    assert len(inbox.received) == 1


@pytest.mark.parametrize("attempt", ["a b", "%00", "x" * 65, "%2e%2e", "a%0d%0ab", "é"])
def test_what_cannot_be_an_attempt_is_not_looked_for(
    inbox: Inbox, client: TestClient[Any], attempt: str
) -> None:
    answer = client.post(f"/api/v1/callbacks/{attempt}", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not inbox.received


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [PATH, ALIAS])
def test_only_post_is_understood(client: TestClient[Any], method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/", "/api/v1/callbacks", "/schema", "/docs", f"{PATH}/more"])
def test_there_is_nothing_else_yet(client: TestClient[Any], path: str) -> None:
    answer = client.post(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DatabaseFailed("SELECT secret FROM t: disk is full"), "database_failed"),
        (RuntimeError("SELECT secret FROM t"), "internal_server_error"),
    ],
)
def test_no_drivers_words_are_told_and_the_provider_may_try_again(
    inbox: Inbox,
    client: TestClient[Any],
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    code: str,
) -> None:
    inbox.error = error
    answer = client.post(PATH, content=b"{}")
    assert (answer.is_server_error, answer.json()["code"]) == (True, code)
    assert "secret" not in answer.text + json.dumps(dict(answer.headers))
    assert "SELECT" in caplog.text


def test_a_request_id_that_is_none_is_replaced(inbox: Inbox, client: TestClient[Any]) -> None:
    inbox.error = NotFound()
    answer = client.post(PATH, content=b"{}", headers={"X-Request-ID": "<script>"})
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "script" not in answer.text
