"""Webhook endpoints, for admins of the account: where it is told how its jobs end."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from staging_core.errors import (
    AlreadyCreated,
    EndpointDisabled,
    EndpointRefused,
    TooManyEndpoints,
)
from staging_core.models import (
    DeliveryState,
    DisabledReason,
    EventType,
    WebhookDelivery,
    WebhookEndpoint,
)
from staging_embed.access import admin
from staging_embed.answer import Answer
from staging_embed.answers.replayed import replayed
from staging_embed.call import Call
from staging_embed.fields import Before, Cursor, Limit
from staging_embed.paging import new_page
from staging_embed.routing import Routes
from staging_embed.times import rfc3339, rfc3339_or_none

webhooks = Routes("webhooks")
_admin = admin("webhooks:write")
_ENDPOINT = "/webhook-endpoints/{endpoint_id}"

_Url = Annotated[str, Meta(examples=["https://crm.example/webhooks/staging"])]
_Types = list[EventType]


class NewEndpoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint that is wanted. `types`: what it is told of; without it, of everything."""

    url: _Url
    types: _Types = []
    description: str = ""


class EndpointChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shall change; the rest stays. Disabled, an endpoint is told of nothing."""

    url: _Url | UnsetType = UNSET
    types: _Types | UnsetType = UNSET
    description: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the secret before the new one signs too, in seconds; by default a day."""

    overlap: Annotated[int, Meta(ge=0, le=2_592_000)] = 86_400


class EndpointAnswer(Struct, frozen=True, kw_only=True):
    """An endpoint without its secret.

    `failing_since`: when it began to fail, if nothing has come through since.
    `previous_secret_until`: until then the secret before this one signs too.
    """

    id: str
    url: str
    description: str
    types: list[str]
    enabled: bool
    disabled_at: str | None
    disabled_reason: DisabledReason | None
    failing_since: str | None
    previous_secret_until: str | None
    created_at: str
    updated_at: str


class NewEndpointAnswer(EndpointAnswer, frozen=True, kw_only=True):
    """An endpoint with a secret that was just made; `secret` is told this once."""

    secret: str


class EndpointList(Struct, frozen=True, kw_only=True):
    """Endpoints, newest first."""

    endpoints: list[EndpointAnswer]
    next_cursor: str | None


class DeliveryAttempt(Struct, frozen=True, kw_only=True):
    """One try. `status`: what was answered; without an answer, `error` says why."""

    number: int
    at: str
    latency_ms: float
    status: int | None
    error: str | None
    excerpt: str


class DeliveryAnswer(Struct, frozen=True, kw_only=True):
    """One message. `id`: also its `webhook-id`. `payload`: the body, as it is sent."""

    id: str
    type: str
    state: DeliveryState
    image_id: str | None
    payload: str
    created_at: str
    next_attempt_at: str | None
    finished_at: str | None
    attempts: list[DeliveryAttempt]


class DeliveryList(Struct, frozen=True, kw_only=True):
    """Deliveries with their tries, newest first."""

    deliveries: list[DeliveryAnswer]
    next_cursor: str | None


class Page(Struct, frozen=True, kw_only=True):
    """Which part of the list."""

    limit: Limit | None = None
    cursor: Cursor | None = None
    before: Before | None = None


class DeliveryPage(Page, frozen=True, kw_only=True):
    """Which deliveries: all, or those in one state."""

    state: Annotated[DeliveryState, Meta(description="Only those in it.")] | None = None


@webhooks.post(
    "/webhook-endpoints",
    _admin,
    status=201,
    creates=True,
    errors=(AlreadyCreated, EndpointRefused, TooManyEndpoints),
)
async def create_webhook_endpoint(call: Call, body: NewEndpoint) -> NewEndpointAnswer:
    """Make a webhook endpoint, whose secret is shown this once.

    A repeat under the same `Idempotency-Key` is refused, since its secret is not told again.
    """
    made = await call.me.webhooks.create(
        body.url,
        types=body.types,
        description=body.description,
        idempotency_key=call.idempotency_key,
    )
    return NewEndpointAnswer(secret=made.secret, **_values(made.endpoint))


@webhooks.get("/webhook-endpoints", _admin)
async def list_webhook_endpoints(call: Call, query: Page) -> EndpointList:
    """The account's webhook endpoints, newest first."""
    before = call.before("webhook endpoints", query)
    rows, more = await new_page(
        lambda limit: call.me.webhooks.page(limit=limit, before=before), query.limit
    )
    return EndpointList(
        endpoints=[EndpointAnswer(**_values(row)) for row in rows],
        next_cursor=call.next("webhook endpoints", rows[-1].place if more else None),
    )


@webhooks.get(_ENDPOINT, _admin)
async def get_webhook_endpoint(call: Call) -> EndpointAnswer:
    """One webhook endpoint."""
    return EndpointAnswer(**_values(await call.me.webhooks.get(call.id("endpoint_id"))))


@webhooks.patch(_ENDPOINT, _admin, errors=(EndpointRefused,))
async def change_webhook_endpoint(call: Call, body: EndpointChange) -> EndpointAnswer:
    """Change what the body names, and nothing else.

    What a disabled endpoint was still to be told has failed, and may be delivered again later.
    """
    changed = await call.me.webhooks.change(
        call.id("endpoint_id"),
        url=body.url,
        types=body.types,
        description=body.description,
        enabled=body.enabled,
    )
    return EndpointAnswer(**_values(changed))


@webhooks.delete(_ENDPOINT, _admin)
async def delete_webhook_endpoint(call: Call) -> None:
    """Delete a webhook endpoint with the log of its deliveries."""
    await call.me.webhooks.delete(call.id("endpoint_id"))


@webhooks.post(f"{_ENDPOINT}/rotate-secret", _admin, creates=True, errors=(AlreadyCreated,))
async def rotate_webhook_secret(call: Call, body: Rotation | None = None) -> NewEndpointAnswer:
    """Give a webhook endpoint a new secret, which is shown this once.

    The one before signs too until the overlap is over. A repeat under the same `Idempotency-Key` is
    refused.
    """
    made = await call.me.webhooks.rotate_secret(
        call.id("endpoint_id"),
        overlap_s=(body or Rotation()).overlap,
        idempotency_key=call.idempotency_key,
    )
    return NewEndpointAnswer(secret=made.secret, **_values(made.endpoint))


@webhooks.post(f"{_ENDPOINT}/test", _admin, status=202, creates=True, errors=(EndpointDisabled,))
async def send_test_webhook(call: Call) -> Answer[DeliveryAnswer]:
    """Send a `webhook.test`, once; its delivery says how that goes."""
    sent = await call.me.webhooks.test(call.id("endpoint_id"), idempotency_key=call.idempotency_key)
    return replayed(_delivery(sent), sent.replayed)


@webhooks.get(f"{_ENDPOINT}/deliveries", _admin)
async def list_webhook_deliveries(call: Call, query: DeliveryPage) -> DeliveryList:
    """What was, or is to be, delivered to an endpoint in the last 30 days, newest first."""
    endpoint_id = call.id("endpoint_id")
    scope = f"webhook deliveries {endpoint_id} {query.state}"
    before = call.before(scope, query)
    rows, more = await new_page(
        lambda limit: call.me.webhooks.deliveries(
            endpoint_id, state=query.state, limit=limit, before=before
        ),
        query.limit,
    )
    return DeliveryList(
        deliveries=[_delivery(row) for row in rows],
        next_cursor=call.next(scope, rows[-1].place if more else None),
    )


@webhooks.get(f"{_ENDPOINT}/deliveries/{{delivery_id}}", _admin)
async def get_webhook_delivery(call: Call) -> DeliveryAnswer:
    """One delivery with its tries."""
    found = await call.me.webhooks.delivery(call.id("endpoint_id"), call.id("delivery_id"))
    return _delivery(found)


@webhooks.post(
    f"{_ENDPOINT}/deliveries/{{delivery_id}}/redeliver",
    _admin,
    status=202,
    creates=True,
    errors=(EndpointDisabled,),
)
async def redeliver_webhook(call: Call) -> Answer[DeliveryAnswer]:
    """Deliver a message again, under its id and as if it were new."""
    again = await call.me.webhooks.redeliver(
        call.id("endpoint_id"), call.id("delivery_id"), idempotency_key=call.idempotency_key
    )
    return replayed(_delivery(again), again.replayed)


def _values(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "types": list(endpoint.types),
        "enabled": endpoint.disabled_at is None,
        "disabled_at": rfc3339_or_none(endpoint.disabled_at),
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": rfc3339_or_none(endpoint.failing_since),
        "previous_secret_until": rfc3339_or_none(endpoint.previous_secret_until),
        "created_at": rfc3339(endpoint.created_at),
        "updated_at": rfc3339(endpoint.updated_at),
    }


def _delivery(delivery: WebhookDelivery) -> DeliveryAnswer:
    return DeliveryAnswer(
        id=delivery.id,
        type=delivery.type,
        state=delivery.state,
        image_id=delivery.image_id,
        payload=delivery.payload,
        created_at=rfc3339(delivery.created_at),
        next_attempt_at=rfc3339_or_none(delivery.due_at),
        finished_at=rfc3339_or_none(delivery.finished_at),
        attempts=[
            DeliveryAttempt(
                number=each.number,
                at=rfc3339(each.at),
                latency_ms=each.latency_ms,
                status=each.status,
                error=each.error,
                excerpt=each.excerpt,
            )
            for each in delivery.attempts
        ],
    )
