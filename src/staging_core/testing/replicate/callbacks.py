"""Callbacks: signed as Standard Webhooks asks, sent again until they are taken."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
import time
from collections.abc import Coroutine
from typing import Any

import msgspec

from staging_core.testing.double.courier import Courier, Undelivered

from .prediction import Prediction
from .provider import Provider

# From the first sending to each next one; the last comes a minute after the end.
RESENDS_S = (2.0, 4.0, 8.0, 16.0, 30.0)
PATIENCE_S = 10.0


def signed(secret: str, id: str, body: bytes, at: int) -> dict[str, str]:
    """The headers of one sending. ``at``: Unix seconds of the real clock."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{id}.{at}.".encode() + body, hashlib.sha256)
    return {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


class Message(msgspec.Struct, frozen=True):
    """One event of a prediction. ``id`` is the same in every sending."""

    id: str
    event: str
    prediction: str
    url: str
    body: bytes


class Callbacks:
    """Sends the events that a prediction asked for, each on its own."""

    def __init__(self, provider: Provider) -> None:
        self._secret = provider.settings.signing_secret()
        self._timeline, self._truth = provider.timeline, provider.truth
        self._courier = Courier()
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, prediction: Prediction, event: str, late_s: float = 0.0) -> None:
        """Send ``event`` with the prediction as it is now, if the prediction asks for it.

        ``late_s``: the most that a late callback is late; the event ``start`` is later still.
        """
        if not prediction.webhook or event not in prediction.events:
            return
        message = _message(prediction, event, self._timeline.now())
        how = prediction.fate.callbacks
        if how == "callbacks_lost":
            self._tell(message, 0, "lost")
            return
        wait = _late(prediction, event) * late_s if how == "callbacks_late" else 0.0
        for _ in range(2 if how == "callbacks_doubled" else 1):
            self._begin(self._deliver(message, wait))

    async def close(self) -> None:
        """Stop sending."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._courier.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, message: Message, wait: float) -> None:
        if wait:
            await self._timeline.sleep(wait)
        resends = RESENDS_S if message.event == "completed" else ()
        for sending, pause in enumerate((*resends, None), start=1):
            if await self._taken(message, sending) or pause is None:
                return
            await self._timeline.sleep(pause)

    async def _taken(self, message: Message, sending: int) -> bool:
        headers = signed(self._secret, message.id, message.body, int(time.time()))
        try:
            status = await self._courier.post(message.url, headers, message.body, PATIENCE_S)
        except Undelivered as error:
            self._tell(message, sending, str(error))
            return False
        self._tell(message, sending, status)
        return 200 <= status < 300

    def _tell(self, message: Message, sending: int, answer: int | str) -> None:
        self._truth.tell(
            "callback",
            id=message.id,
            prediction=message.prediction,
            kind=message.event,
            sending=sending,
            answer=answer,
        )


def _late(prediction: Prediction, event: str) -> float:
    """How late, by prediction: they overtake one another, and each one's end its own start."""
    share = random.Random(prediction.id).uniform(0.25, 1.0)  # noqa: S311 - to be repeated
    return share + (1.0 if event == "start" else 0.0)


def _message(prediction: Prediction, event: str, now: float) -> Message:
    digest = hashlib.sha256(f"{prediction.id} {event} {prediction.status}".encode()).hexdigest()
    body = msgspec.json.encode(prediction.shown(now))
    assert prediction.webhook is not None
    return Message(f"msg_{digest[:27]}", event, prediction.id, prediction.webhook, body)
