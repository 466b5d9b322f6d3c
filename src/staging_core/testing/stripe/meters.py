"""Meters, and the events that they count.

The real one takes an event for a customer or meter that is not there, and reports it later; the
double refuses it at once, so that a test sees it.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from .account import Account
from .call import Call
from .refusal import Refused, missing
from .settings import DAY_S
from .store import Object, listing, page

OLDEST_S, FUTURE_S, UNIQUE_S = 35 * DAY_S, 300, DAY_S
_WINDOWS = {None: 60, "hour": 3600, "day": DAY_S}


class Meters:
    """Each event counts once: an ``identifier`` is refused for a day after it came."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._seen: dict[str, int] = {}
        self._events: dict[tuple[str, str], list[tuple[int, Decimal]]] = {}

    # --- meters ---------------------------------------------------------------------------------

    def create(self, call: Call) -> Object:
        """A meter; of the active ones each counts events of another name."""
        params = call.params
        name = params["event_name"]
        if self._active(name):
            message = f"An active meter with event_name '{name}' already exists."
            raise Refused(message, code="resource_already_exists", param="event_name")
        mapping = params.get("customer_mapping") or {}
        values = params.get("value_settings") or {}
        meter = self._account.make(
            "billing.meter",
            "mtr",
            customer_mapping={
                "event_payload_key": mapping.get("event_payload_key", "stripe_customer_id"),
                "type": "by_id",
            },
            default_aggregation={"formula": params["default_aggregation"]["formula"]},
            display_name=params["display_name"],
            event_name=name,
            event_time_window=params.get("event_time_window"),
            status="active",
            status_transitions={"deactivated_at": None},
            updated=self._account.now(),
            value_settings={"event_payload_key": values.get("event_payload_key", "value")},
        )
        self._account.tell("billing.meter.created", meter)
        return meter

    def update(self, call: Call) -> Object:
        """Its name for people."""
        meter = self._account.find("billing.meter", call.id)
        with self._account.changing(meter, "billing.meter.updated"):
            meter.update(call.given("display_name"))
        return meter

    def deactivate(self, call: Call) -> Object:
        """It counts no more."""
        return self._switch(call.id, "inactive", "billing.meter.deactivated")

    def reactivate(self, call: Call) -> Object:
        """It counts again."""
        return self._switch(call.id, "active", "billing.meter.reactivated")

    def _switch(self, id: str, status: str, event: str) -> Object:
        meter = self._account.find("billing.meter", id)
        with self._account.changing(meter, event):
            now = self._account.now()
            meter["status"], meter["updated"] = status, now
            meter["status_transitions"] = {"deactivated_at": None if status == "active" else now}
        return meter

    def _active(self, name: str) -> Object | None:
        found = self._account.store.all("billing.meter", event_name=name, status="active")
        return found[0] if found else None

    # --- events ---------------------------------------------------------------------------------

    def record(self, call: Call) -> Object:
        """An event, counted at once."""
        params, payload = call.params, call.params["payload"]
        meter = self._active(params["event_name"])
        if meter is None:
            message = f"No active meter found for event_name '{params['event_name']}'."
            raise Refused(message, code="no_meter", param="event_name")
        owner = self._owner(meter, payload)
        value = _value(payload.get(meter["value_settings"]["event_payload_key"]))
        now = self._account.now(owner)
        at = params.get("timestamp", now)
        _check_time(at, now)
        identifier = params.get("identifier") or self._account.store.letters(24)
        self._remember(identifier)
        self._events.setdefault((meter["id"], owner), []).append((at, value))
        event = {
            "object": "billing.meter_event",
            "created": now,
            "event_name": meter["event_name"],
            "identifier": identifier,
            "livemode": False,
            "payload": payload,
            "timestamp": at,
        }
        self._account.truth.tell(
            "meter_event",
            name=meter["event_name"],
            identifier=identifier,
            customer=owner,
            value=str(value),
            timestamp=at,
        )
        return event

    def _owner(self, meter: Object, payload: dict[str, Any]) -> str:
        key = meter["customer_mapping"]["event_payload_key"]
        if key not in payload:
            message = f"The payload has no {key}."
            raise Refused(message, code="meter_event_no_customer_defined", param="payload")
        owner = self._account.store.known("customer", payload[key])
        if owner is None or owner.get("deleted"):
            raise missing("customer", payload[key], f"payload[{key}]", 400)
        return str(owner["id"])

    def _remember(self, identifier: str) -> None:
        if len(identifier) > 100:
            raise Refused("An identifier has 100 characters at most.", param="identifier")
        now = int(self._account.timeline.now())
        if self._seen.get(identifier, -UNIQUE_S) > now - UNIQUE_S:
            message = f"An event already exists with identifier {identifier}."
            raise Refused(message, code="resource_already_exists", param="identifier")
        self._seen[identifier] = now

    # --- sums -----------------------------------------------------------------------------------

    def used(self, meter: Object, owner: str, start: int, end: int) -> Decimal:
        """What was used from ``start`` to before ``end``."""
        events = self._events.get((meter["id"], owner), [])
        found = [(at, value) for at, value in events if start <= at < end]
        match meter["default_aggregation"]["formula"]:
            case "count":
                return Decimal(len(found))
            case "last":
                return max(found, key=lambda one: one[0])[1] if found else Decimal(0)
            case _:
                return sum((value for _, value in found), Decimal(0))

    def summaries(self, call: Call) -> Object:
        """What a customer has used, whole or by hour or day, the newest first."""
        meter = self._account.find("billing.meter", call.id)
        self._account.named("customer", call.params["customer"], "customer")
        start, end = call.params["start_time"], call.params["end_time"]
        window = call.params.get("value_grouping_window")
        step = _WINDOWS[window]
        if start % step or end % step or start >= end:
            message = f"start_time and end_time must be aligned to {step} seconds, in this order."
            raise Refused(message, param="start_time")
        starts = range(start, end, step) if window else [start]
        found = [
            self._summary(meter, call.params["customer"], at, at + step if window else end)
            for at in starts
        ]
        if not window:
            return listing(found, call.path)
        found = [one for one in found if one["aggregated_value"]]
        return page(found[::-1], call.params, call.path, "summary", lambda one: one)

    def _summary(self, meter: Object, owner: str, start: int, end: int) -> Object:
        return {
            "id": f"mtrusg_{meter['id'][-8:]}{owner[-8:]}{start}",
            "object": "billing.meter_event_summary",
            "aggregated_value": float(self.used(meter, owner, start, end)),
            "end_time": end,
            "livemode": False,
            "meter": meter["id"],
            "start_time": start,
        }


def _value(given: str | None) -> Decimal:
    if given is None:
        code = "meter_event_value_not_found"
        raise Refused("The payload has no value.", code=code, param="payload")
    try:
        value = Decimal(given)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        code = "meter_event_invalid_value"
        raise Refused(f"Invalid value: {given}", code=code, param="payload")
    return value


def _check_time(at: int, now: int) -> None:
    if at < now - OLDEST_S:
        raise Refused(
            "The timestamp must be within the past 35 days.",
            code="timestamp_too_far_in_past",
            param="timestamp",
        )
    if at > now + FUTURE_S:
        raise Refused(
            "The timestamp must be no more than 5 minutes in the future.",
            code="timestamp_in_future",
            param="timestamp",
        )
