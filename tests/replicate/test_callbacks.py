"""Callbacks: only what Replicate signed, lately, and about a prediction."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import pytest

from staging_core.errors import Busy, InvalidCallback, InvalidSignature
from staging_core.models import Callback, Notice

from .provider import Provider, breaks, says

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 24).decode()
BODY = json.dumps({"id": "p1", "status": "succeeded", "output": "https://evil.example/x"})


def signed(
    body: str = BODY, *, secret: str = SECRET, id: str = "msg_1", age: float = 0, **more: str
) -> Callback:
    at = str(int(time.time() - age))
    key = base64.b64decode(secret.partition("_")[2])
    digest = hmac.new(key, f"{id}.{at}.{body}".encode(), hashlib.sha256).digest()
    headers = {
        "webhook-id": id,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    return Callback(body=body.encode(), headers={**headers, **more}, received_at=time.time())


def other_times() -> list[str]:
    now = str(int(time.time()))
    return [f" {now}", f"+{now}", f"0{now}", f"{now[:1]}_{now[1:]}", f"1,{now}", f"{now},1"]


def read(callback: Callback, *, secrets: tuple[str, ...] = (SECRET,), answer: Any = None) -> Notice:
    provider = Provider(answer or says(500))
    return asyncio.run(provider.stager(secrets=secrets).receive(callback))


def test_a_signed_callback_tells_its_event_and_its_prediction_and_nothing_else() -> None:
    assert read(signed()) == Notice(event_id="msg_1", handle="p1")


@pytest.mark.parametrize("secrets", [(SECRET, OTHER), (OTHER, SECRET)])
def test_while_a_secret_is_replaced_both_count(secrets: tuple[str, ...]) -> None:
    assert read(signed(), secrets=secrets).handle == "p1"


def test_one_of_several_signatures_is_enough() -> None:
    good = signed()
    both = f"v1,{base64.b64encode(b'x' * 32).decode()} {good.headers['webhook-signature']}"
    headers = {**good.headers, "webhook-signature": both}
    assert (
        read(Callback(body=good.body, headers=headers, received_at=good.received_at)).handle == "p1"
    )


@pytest.mark.parametrize(
    "callback",
    [
        signed(secret=OTHER),
        signed(age=301),
        signed(age=-302),
        signed(**{"webhook-signature": ""}),
        signed(**{"webhook-signature": "v1,"}),
        signed(**{"webhook-signature": "v1,é"}),
        signed(**{"webhook-signature": "nonsense"}),
        signed(**{"webhook-id": "msg_2"}),
        signed(**{"webhook-id": ""}),
        signed(**{"webhook-timestamp": "now"}),
        signed(**{"webhook-timestamp": "1e9"}),
        # Times that ``int`` reads as the one that was signed, or as a later one.
        *(signed(**{"webhook-timestamp": written}) for written in other_times()),
        Callback(body=BODY.encode(), headers={}, received_at=time.time()),
        Callback(body=b"", headers=signed().headers, received_at=time.time()),
        Callback(body=b"\xff\xfe", headers=signed().headers, received_at=time.time()),
        Callback(
            body=BODY.replace("p1", "p2").encode(),
            headers=signed().headers,
            received_at=time.time(),
        ),
    ],
)
def test_forged_changed_old_and_unsigned_callbacks_are_refused(callback: Callback) -> None:
    with pytest.raises(InvalidSignature):
        read(callback)


def test_one_that_lay_about_is_old_by_the_installations_clock() -> None:
    fresh = signed()
    late = Callback(body=fresh.body, headers=fresh.headers, received_at=time.time() + 400)
    with pytest.raises(InvalidSignature, match="s old"):
        read(late)


@pytest.mark.parametrize(
    "body", ["[]", "not json", "{}", '{"id": 7}', '{"id": ""}', '{"id": "a b"}']
)
def test_a_signed_body_that_names_no_prediction_is_not_understood(body: str) -> None:
    with pytest.raises(InvalidCallback):
        read(signed(body))


def test_an_id_without_end_is_not_understood() -> None:
    with pytest.raises(InvalidCallback):
        read(signed(id="m" * 201))


# --- without a configured secret ------------------------------------------------------------------


def test_replicate_is_asked_for_the_secret_once() -> None:
    provider = Provider(says(200, {"key": SECRET}))
    stager = provider.stager()

    async def many() -> None:
        await asyncio.gather(*(stager.receive(signed(id=f"msg_{n}")) for n in range(5)))

    asyncio.run(many())
    assert [request.url.path for request in provider.requests] == ["/v1/webhooks/default/secret"]


@pytest.mark.parametrize(
    "answer",
    [says(500), says(401, {}), says(200, "<html>"), says(200, {}), breaks(httpx.ReadError)],
)
def test_without_a_secret_a_callback_is_never_accepted_and_replicate_not_hammered(
    answer: Any,
) -> None:
    provider = Provider(answer)
    stager = provider.stager()

    async def twice() -> None:
        for _ in range(2):
            with pytest.raises(Busy):
                await stager.receive(signed())

    asyncio.run(twice())
    assert len(provider.requests) == 1


def test_an_empty_secret_is_none() -> None:
    with pytest.raises(InvalidSignature):
        read(signed(), secrets=(), answer=says(200, {"key": ""}))


def test_an_unsigned_callback_does_not_make_us_ask() -> None:
    provider = Provider(says(200, {"key": SECRET}))
    with pytest.raises(InvalidSignature):
        asyncio.run(
            provider.stager().receive(Callback(body=b"{}", headers={}, received_at=time.time()))
        )
    assert not provider.requests


def test_a_secret_that_was_replaced_at_replicate_is_asked_for_again() -> None:
    answers = iter([OTHER, SECRET])
    provider = Provider(lambda request: httpx.Response(200, json={"key": next(answers)}))
    stager = provider.stager()

    async def both() -> Notice:
        with pytest.raises(InvalidSignature):
            await stager.receive(signed())
        stager._callbacks._asked -= 301
        return await stager.receive(signed())

    assert asyncio.run(both()).handle == "p1"
    assert len(provider.requests) == 2


@pytest.mark.parametrize("time_told", ["1" + "0" * 400, "-1" + "0" * 400, "9" * 5000])
def test_a_time_beyond_all_numbers_is_no_time(time_told: str) -> None:
    with pytest.raises(InvalidSignature):
        read(signed(**{"webhook-timestamp": time_told}))


def test_a_forged_callback_does_not_make_us_forget_the_secret_while_replicate_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider = Provider(says(200, {"key": SECRET}))
    stager = provider.stager(secrets=())
    assert asyncio.run(stager.receive(signed())).handle == "p1"
    later = time.monotonic() + 1000
    monkeypatch.setattr(time, "monotonic", lambda: later)
    provider.answer = says(503)
    with pytest.raises(Busy):
        asyncio.run(stager.receive(signed(secret=OTHER)))
    assert asyncio.run(stager.receive(signed())).handle == "p1"
