"""Outgoing webhooks: where an account wants to be told, and how it went."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import msgspec

from .event import JobEvent
from .job import JobState
from .place import Place

TEST_EVENT = "webhook.test"
"""What a test of an endpoint sends; no filter keeps it back."""

EventType = Literal["image.ready", "image.failed", "image.cancelled"]
"""What an endpoint may be told of."""

EVENT_OF_STATE: dict[JobState, EventType] = {
    "ready": "image.ready",
    "error": "image.failed",
    "cancelled": "image.cancelled",
}
"""What is sent when a job ends in a state; retried, an image may end once more."""

EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
"""All that an endpoint may be told of."""

DisabledReason = Literal["by_hand", "gone", "failing"]
"""Its account did it; it answered 410; nothing came through for days."""

DeliveryState = Literal["pending", "delivered", "failed"]


class WebhookEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An address of an account that is told of its images. Times are Unix seconds.

    ``types``: what it is told of; empty: of everything. ``failing_since``: when it began to fail,
    if nothing has come through since. ``previous_secret_until``: until then the secret before this
    one signs too. ``repr`` shows no more of the address than its host.
    """

    id: str
    account_id: str
    url: str
    description: str
    types: tuple[str, ...]
    created_at: float
    updated_at: float
    disabled_at: float | None = None
    disabled_reason: DisabledReason | None = None
    failing_since: float | None = None
    previous_secret_until: float | None = None

    @property
    def place(self) -> Place:
        """Its place in the list of endpoints."""
        return Place(self.created_at, self.id)

    def __repr__(self) -> str:
        host = urlsplit(self.url).hostname
        return f"WebhookEndpoint(id={self.id!r}, host={host!r}, types={self.types!r})"


class NewWebhookEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint with a secret that was just made, shown this once; ``repr`` hides it."""

    endpoint: WebhookEndpoint
    secret: str

    def __repr__(self) -> str:
        return f"NewWebhookEndpoint(endpoint={self.endpoint!r}, secret='***')"


class WebhookAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try of a delivery. ``at``: Unix seconds.

    ``status``: what was answered, None for nothing; then ``error`` says why. ``excerpt``: how the
    answer's body begins.
    """

    number: int
    at: float
    latency_ms: float
    status: int | None = None
    error: str | None = None
    excerpt: str = ""


class WebhookDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message for one endpoint. ``id``: also the ``webhook-id`` of every try.

    ``due_at``: when it is tried next, None when it is not. ``payload``: the body that is sent.
    """

    id: str
    account_id: str
    endpoint_id: str
    type: str
    payload: str
    state: DeliveryState
    created_at: float
    image_id: str | None = None
    due_at: float | None = None
    finished_at: float | None = None
    attempts: tuple[WebhookAttempt, ...] = ()
    replayed: bool = False

    @property
    def place(self) -> Place:
        """Its place in the list of deliveries."""
        return Place(self.created_at, self.id)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What endpoints of one account are told. ``payload``: JSON, as it is signed and sent."""

    account_id: str
    type: str
    payload: str
    image_id: str | None = None


def message_of(event: JobEvent, project_id: str | None) -> Message | None:
    """What is sent of an event of a job: only of its end. None for all others."""
    type = EVENT_OF_STATE.get(event.state) if event.type == "state" else None
    if type is None:
        return None
    data = {
        "image_id": event.image_id,
        "project_id": project_id,
        "group_id": event.group_id,
        "job_id": event.job_id,
        "state": event.state,
        "status": event.status,
        "error": event.data.get("error"),
        "message": event.data.get("message"),
    }
    return Message(
        account_id=event.account_id,
        type=type,
        payload=_payload(type, event.at, data),
        image_id=event.image_id,
    )


def trial_message(account_id: str, endpoint_id: str, at: float) -> Message:
    """What a test of an endpoint sends."""
    payload = _payload(TEST_EVENT, at, {"endpoint_id": endpoint_id})
    return Message(account_id=account_id, type=TEST_EVENT, payload=payload)


def _payload(type: str, at: float, data: dict[str, Any]) -> str:
    timestamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    told = {"type": type, "timestamp": timestamp.replace("+00:00", "Z"), "data": data}
    return msgspec.json.encode(told).decode()
