"""The double's callbacks: signed, filtered, sent again until they are taken."""

from __future__ import annotations

from typing import Any

import pytest
from replicate.client import Client
from replicate.webhook import InvalidSignatureError, Webhooks, WebhookSigningSecret

from .conftest import Connect, Start
from .receiver import Receiver

QWEN = "qwen/qwen-image-edit"


def test_a_callback_is_signed_as_the_client_validates_it(
    client: Client, staged: dict[str, Any], receiver: Receiver
) -> None:
    secret = client.webhooks.default.secret()
    made = client.predictions.create(
        model=QWEN,
        input=staged,
        webhook=f"{receiver.url}/callbacks/attempt-1",
        webhook_events_filter=["completed"],
    )
    (callback,) = receiver.wait_for(1)
    text, headers = callback.body.decode(), callback.headers
    Webhooks.validate(headers=headers, body=text, secret=secret, tolerance=60)
    with pytest.raises(InvalidSignatureError):
        Webhooks.validate(headers=headers, body=text + " ", secret=secret)
    assert callback.path == "/callbacks/attempt-1"
    known = client.predictions.get(made.id).dict()
    assert {name: callback.prediction[name] for name in known} == known


def test_the_secret_can_be_given(start: Start, connect: Connect) -> None:
    secret = "whsec_c3RhZ2luZy1jb3JlLXRlc3Rz"  # noqa: S105 - of this test
    client = connect(start(secret=secret))
    assert client.webhooks.default.secret() == WebhookSigningSecret(key=secret)


def test_only_the_events_that_were_asked_for_are_sent(
    client: Client, staged: dict[str, Any], receiver: Receiver
) -> None:
    client.predictions.create(
        model=QWEN,
        input=staged,
        webhook=receiver.url,
        webhook_events_filter=["start", "completed"],
    )
    received = receiver.wait_for(2)
    # Sent in this order, and like real ones not bound to arrive in it.
    assert {one.prediction["status"] for one in received} == {"processing", "succeeded"}
    assert len({one.headers["webhook-id"] for one in received}) == 2


def test_a_callback_that_is_not_taken_comes_again_under_its_id(
    start: Start, connect: Connect, staged: dict[str, Any], receiver: Receiver
) -> None:
    replicate = start(time_factor=100.0)
    receiver.answers = [500, 302]
    connect(replicate).predictions.create(
        model=QWEN, input=staged, webhook=receiver.url, webhook_events_filter=["completed"]
    )
    received = receiver.wait_for(3)
    assert len({one.headers["webhook-id"] for one in received}) == 1
    assert len({one.body for one in received}) == 1
    told = replicate.truth("callback")
    assert [(one["sending"], one["answer"]) for one in told][:2] == [(1, 500), (2, 302)]
