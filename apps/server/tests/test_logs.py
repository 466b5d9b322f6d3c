"""Logs of the service: one JSON object a line, and never a secret in it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_server.telemetry.logs import logging_to
from staging_server.telemetry.redaction import redacted

LONG = st.text(string.ascii_letters + string.digits, min_size=24, max_size=40)


def logged(message: str, *arguments: object, error: Exception | None = None) -> dict[str, Any]:
    out = io.StringIO()
    with logging_to(out, as_json=True):
        logging.getLogger("staging_core").warning(message, *arguments, exc_info=error)
    (line,) = out.getvalue().splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_says_when_who_and_what() -> None:
    line = logged("job %s: lease not renewed", "7f3a")
    assert line["event"] == "job 7f3a: lease not renewed"
    assert (line["level"], line["logger"]) == ("warning", "staging_core")
    assert line["at"].endswith("Z")


SHAPES = [
    "sk_stg_{}",
    "r8_{}",
    "whsec_{}",
    "sk_live_{}",
    "Authorization: Bearer {}",
    "https://bucket.example/a.png?X-Amz-Credential=me&X-Amz-Signature={}",
    "https://staging.example/api/v1/events?ticket={}",
    "postgresql+asyncpg://staging:{}@db/staging",
    "redis://:{}@redis:6379/0",
    "REPLICATE_API_TOKEN={}",
    '{{"client_secret": "{}"}}',
    "eyJhbGciOiJSUzI1NiJ9.{}.c2lnbmF0dXJl",
]


@pytest.mark.parametrize("shape", SHAPES)
@given(secret=LONG)
def test_no_secret_of_any_shape_is_left(shape: str, secret: str) -> None:
    assert secret not in redacted(f"the call to {shape.format(secret)} failed")


def test_a_traceback_is_blotted_too() -> None:
    secret = "Zr8dK2mQp0sT4vXy6uWb"  # noqa: S105 - looks like one
    try:
        raise ValueError(f"401 for Bearer {secret}")
    except ValueError as error:
        line = logged("refused", error=error)
    assert "ValueError" in line["exception"]
    assert secret not in json.dumps(line)


def test_what_is_no_secret_stays() -> None:
    said = "job 7c1e: the token bucket of replicate is empty, key uploads/4f/2a.png kept"
    assert redacted(said) == said


def test_what_nobody_asked_about_is_told_before_the_log_ends() -> None:
    out = io.StringIO()
    with logging_to(out, as_json=True):
        loop = asyncio.new_event_loop()
        lost = loop.create_future()
        lost.set_exception(ConnectionError("the connection was lost"))
        lost.itself = [lost]  # type: ignore[attr-defined] # a circle goes when it is looked for
        loop.close()
        del lost
    (line,) = out.getvalue().splitlines()
    assert "never retrieved" in json.loads(line)["event"]


def test_logging_is_as_before_afterwards() -> None:
    before = logging.getLogger().handlers[:]
    logged("once")
    assert logging.getLogger().handlers == before


def test_what_was_loud_before_is_loud_again_after() -> None:
    httpx = logging.getLogger("httpx")
    before = httpx.level
    with logging_to(io.StringIO(), as_json=True):
        assert httpx.level == logging.WARNING
    assert httpx.level == before
