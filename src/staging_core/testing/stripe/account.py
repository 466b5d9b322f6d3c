"""One merchant's account: its time, its objects, what happens to them, and the truth of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import stripe

from staging_core.testing.double.timeline import Timeline
from staging_core.testing.double.truth import Truth

from .chaos import Dice
from .published import filled
from .refusal import missing
from .settings import Settings
from .store import Object, Store

VERSION: str = stripe.api_version


class Cause(msgspec.Struct, frozen=True):
    """The call that makes something happen; both are ``None`` when it is time that does."""

    id: str | None = None
    idempotency_key: str | None = None


class Account:
    """What all nouns of the API share. Everything runs in one event loop, a call at a time."""

    def __init__(self, settings: Settings, timeline: Timeline, dice: Dice, truth: Truth) -> None:
        self.settings, self.timeline, self.dice, self.truth = settings, timeline, dice, truth
        self.store = Store(settings.seed)
        self.base_url = "http://127.0.0.1"
        self.cause = Cause()
        self.moment: int | None = None
        self.hears: list[Callable[[Object], None]] = []

    # --- time -----------------------------------------------------------------------------------

    def now(self, owner: str | None = None) -> int:
        """Unix seconds, those of the test clock where the customer ``owner`` has one."""
        clock = self.clock_of(owner)
        if clock is not None:
            frozen: int = clock["frozen_time"]
            return frozen
        return int(self.timeline.now()) if self.moment is None else self.moment

    def clock_of(self, owner: str | None) -> Object | None:
        """The test clock of a customer."""
        customer = self.store.known("customer", owner)
        return self.store.known("test_helpers.test_clock", (customer or {}).get("test_clock"))

    # --- objects --------------------------------------------------------------------------------

    def make(self, kind: str, prefix: str, owner: str | None = None, **fields: Any) -> Object:
        """Make and keep an object; nobody is told yet. An ``id`` in ``fields`` is taken."""
        value = {
            "id": fields.pop("id", None) or self.store.new_id(prefix),
            "object": kind,
            "created": self.now(owner),
            "livemode": False,
            **fields,
        }
        return self.store.add(filled(value))

    def find(self, kind: str, id: str | None, param: str = "id", status: int = 404) -> Object:
        """The object, or Stripe's words that there is none."""
        found = self.store.known(kind, id)
        if found is None or found.get("deleted"):
            raise missing(NAMES.get(kind, kind), id or "", param, status)
        return found

    def named(self, kind: str, id: str, param: str) -> Object:
        """The object that a parameter names."""
        return self.find(kind, id, param, 400)

    # --- what happens ---------------------------------------------------------------------------

    @contextmanager
    def changing(self, value: Object, *events: str) -> Iterator[Object]:
        """Tell ``events`` when the object is another after the block, with what it was before."""
        before = shown(value)
        yield value
        changes = previous(before, shown(value))
        if changes:
            for event in events:
                self.tell(event, value, changes)

    def tell(self, kind: str, value: Object, changes: Object | None = None) -> Object:
        """Make an event of this kind about the object as it is now."""
        data = {"object": shown(value)}
        owner = value["id"] if value["object"] == "customer" else value.get("customer")
        event = self.make(
            "event",
            "evt",
            owner,
            api_version=VERSION,
            data=data if changes is None else {**data, "previous_attributes": changes},
            pending_webhooks=0,
            request={"id": self.cause.id, "idempotency_key": self.cause.idempotency_key},
            type=kind,
        )
        self.truth.tell("event", id=event["id"], type=kind, object=value.get("id"))
        for hear in self.hears:
            hear(event)
        return event


NAMES = {
    "checkout.session": "checkout.session",
    "payment_method": "PaymentMethod",
    "test_helpers.test_clock": "billing test clock",
    "billing.meter": "meter",
    "promotion_code": "promotion code",
    "billing_portal.configuration": "configuration",
    "webhook_endpoint": "webhook endpoint",
    "entitlements.feature": "feature",
}


def shown(value: Object) -> Object:
    """A copy of the object without what is the double's own."""
    return {name: _copied(one) for name, one in value.items() if not name.startswith("_")}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return shown(value)
    if isinstance(value, list):
        return [_copied(one) for one in value]
    return copy.copy(value)


def previous(before: Object, after: Object) -> Object:
    """What was otherwise: of dictionaries only what differs, of all else the whole."""
    changes: Object = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict) and old.get("object") != "list":
            changes[name] = previous(old, new)
        else:
            changes[name] = old
    return changes
