"""Webhook endpoints, and events on their way to them: signed, and sent again until taken.

An event that is not answered with 2xx is sent again for three days, ever more seldom, in the
double's time. Tests may hold all events back and deliver each by hand, in any order.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Coroutine
from typing import Any

import msgspec

from staging_core.testing.double.courier import Courier, Undelivered

from .account import VERSION, Account, shown
from .call import Call, merged
from .refusal import Refused
from .store import Object

HOUR_S = 3600.0
RESENDS_S = (5.0, 300.0, 1800.0, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, *[12 * HOUR_S] * 5)
PATIENCE_S = 20.0


def signature(secrets: list[str], body: bytes, at: int) -> str:
    """The header ``Stripe-Signature``. ``at``: Unix seconds of the real clock."""
    signed = str(at).encode() + b"." + body
    macs = [hmac.digest(secret.encode(), signed, hashlib.sha256).hex() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={mac}" for mac in macs), f"v0={macs[0]}"])


class Webhooks:
    """``held``: events are only delivered by hand."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._courier = Courier()
        self._tasks: set[asyncio.Task[None]] = set()
        self.held = False
        account.hears.append(self._hear)

    # --- endpoints ------------------------------------------------------------------------------

    def create(self, call: Call) -> Object:
        """An endpoint; its secret is told here and never again."""
        secret = self._new_secret()
        made = self._account.make(
            "webhook_endpoint",
            "we",
            api_version=call.params.get("api_version"),
            description=call.params.get("description"),
            enabled_events=call.params["enabled_events"],
            metadata=merged({}, call.params.get("metadata")),
            status="enabled",
            url=_checked(call.params["url"]),
            _secrets=[secret],
        )
        return {**made, "secret": secret}

    def update(self, call: Call) -> Object:
        """Another URL, other events, or on and off."""
        endpoint = self._account.find("webhook_endpoint", call.id)
        if "url" in call.params:
            _checked(call.params["url"])
        endpoint.update(call.given("url", "enabled_events", "description"))
        endpoint["metadata"] = merged(endpoint["metadata"], call.params.get("metadata"))
        if "disabled" in call.params:
            endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
        return endpoint

    def delete(self, call: Call) -> Object:
        """No more events go there."""
        endpoint = self._account.find("webhook_endpoint", call.id)
        self._account.store.remove(endpoint)
        return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}

    def rotate(self, id: str, *, drop_old: bool) -> str:
        """A new secret, as the dashboard makes it; until ``drop_old`` both sign."""
        secrets = self._account.find("webhook_endpoint", id)["_secrets"]
        new = self._new_secret()
        secrets[:] = [new] if drop_old else [new, *secrets]
        return new

    def _new_secret(self) -> str:
        return f"whsec_{self._account.store.letters(32)}"

    # --- events ---------------------------------------------------------------------------------

    async def deliver(self, id: str) -> list[int | str]:
        """Send the event once now, to each endpoint that wants it; what they answered."""
        event = self._account.find("event", id)
        return [await self._send(event, endpoint) for endpoint in self._wanting(event)]

    async def close(self) -> None:
        """Stop sending."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._courier.close()

    def _hear(self, event: Object) -> None:
        wanting = self._wanting(event)
        event["_came"] = self._account.timeline.now()
        event["pending_webhooks"] = len(wanting)
        event["_pending"] = {endpoint["id"] for endpoint in wanting}
        event["_body"] = msgspec.json.format(msgspec.json.encode(shown(event)), indent=2)
        if self.held:
            return
        for endpoint in wanting:
            self._begin(event, endpoint)

    def _begin(self, event: Object, endpoint: Object) -> None:
        dice = self._account.dice
        fault = dice.of_event()
        if fault == "events_lost":
            self._tell(event, endpoint, 0, "lost")
            return
        wait = dice.late_s() if fault == "events_late" else 0.0
        for _ in range(2 if fault == "events_doubled" else 1):
            self._spawn(self._carry(event, endpoint, wait))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, event: Object, endpoint: Object, wait: float) -> None:
        if wait:
            await self._account.timeline.sleep(wait)
        for pause in (*RESENDS_S, None):
            answer = await self._send(event, endpoint)
            if answer == "gone" or endpoint["id"] not in event["_pending"] or pause is None:
                return
            await self._account.timeline.sleep(pause)

    async def _send(self, event: Object, endpoint: Object) -> int | str:
        """One sending, and what came of it: a status, or a word for why there was none."""
        if self._account.store.known("webhook_endpoint", endpoint["id"]) is None:
            return "gone"
        sendings = event.setdefault("_sendings", {})
        number = sendings[endpoint["id"]] = sendings.get(endpoint["id"], 0) + 1
        body: bytes = event["_body"]
        headers = {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "stripe-signature": signature(endpoint["_secrets"], body, int(time.time())),
        }
        answer: int | str
        try:
            answer = await self._courier.post(endpoint["url"], headers, body, PATIENCE_S)
        except Undelivered as error:
            answer = str(error)
        if isinstance(answer, int) and 200 <= answer < 300:
            event["_pending"].discard(endpoint["id"])
            event["pending_webhooks"] = len(event["_pending"])
        self._tell(event, endpoint, number, answer)
        return answer

    def _wanting(self, event: Object) -> list[Object]:
        return [
            endpoint
            for endpoint in self._account.store.all("webhook_endpoint", status="enabled")
            if {"*", event["type"]} & set(endpoint["enabled_events"])
        ]

    def _tell(self, event: Object, endpoint: Object, sending: int, answer: int | str) -> None:
        self._account.truth.tell(
            "delivery",
            id=event["id"],
            type=event["type"],
            endpoint=endpoint["id"],
            sending=sending,
            answer=answer,
        )


def _checked(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise Refused(
            "Invalid URL: An explicit scheme (such as https) must be provided.",
            code="url_invalid",
            param="url",
        )
    return url


def spoken(version: str | None) -> None:
    """Refuse another version of the API than the installed package's."""
    if version not in (None, VERSION):
        message = f"Invalid Stripe API version: {version}. The double speaks {VERSION} only."
        raise Refused(message, ran=False)
