"""The account's webhook endpoints, over HTTP."""

from __future__ import annotations

import math
from collections.abc import Collection

import msgspec
from msgspec import UNSET, UnsetType

from staging_core.acting.webhooks import OVERLAP_S
from staging_core.errors import NotFound, ValidationFailed
from staging_core.models import (
    DeliveryState,
    DisabledReason,
    NewWebhookEndpoint,
    Place,
    Principal,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)

from .asked import in_path, in_query
from .pages import rows_of
from .patience import was_repeated
from .told import seconds, seconds_or_none
from .wire import Wire


class EndpointTold(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint; ``secret`` only when it was just made."""

    id: str
    url: str
    description: str
    types: tuple[str, ...]
    disabled_at: str | None
    disabled_reason: DisabledReason | None
    failing_since: str | None
    previous_secret_until: str | None
    created_at: str
    updated_at: str
    secret: str = ""

    def __repr__(self) -> str:
        return f"EndpointTold({self.id!r})"

    def endpoint(self, who: Principal) -> WebhookEndpoint:
        """As the library says it."""
        return WebhookEndpoint(
            id=self.id,
            account_id=who.account_id,
            url=self.url,
            description=self.description,
            types=self.types,
            created_at=seconds(self.created_at),
            updated_at=seconds(self.updated_at),
            disabled_at=seconds_or_none(self.disabled_at),
            disabled_reason=self.disabled_reason,
            failing_since=seconds_or_none(self.failing_since),
            previous_secret_until=seconds_or_none(self.previous_secret_until),
        )

    def made(self, who: Principal) -> NewWebhookEndpoint:
        """With its secret."""
        return NewWebhookEndpoint(endpoint=self.endpoint(who), secret=self.secret)


class EndpointsTold(msgspec.Struct, frozen=True):
    """A page of endpoints."""

    endpoints: list[EndpointTold]
    next_cursor: str | None

    def rows(self) -> list[EndpointTold]:
        """See ``Page``."""
        return self.endpoints


class TryTold(msgspec.Struct, frozen=True, kw_only=True):
    """One try of a delivery. ``status``: what was answered."""

    number: int
    at: str
    latency_ms: float
    status: int | None = msgspec.field()
    error: str | None
    excerpt: str

    def attempt(self) -> WebhookAttempt:
        """As the library says it."""
        return WebhookAttempt(
            number=self.number,
            at=seconds(self.at),
            latency_ms=self.latency_ms,
            status=self.status,
            error=self.error,
            excerpt=self.excerpt,
        )


class DeliveryTold(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery with its tries."""

    id: str
    type: str
    state: DeliveryState
    image_id: str | None
    payload: str
    created_at: str
    next_attempt_at: str | None
    finished_at: str | None
    attempts: list[TryTold]

    def delivery(
        self, who: Principal, endpoint_id: str, *, replayed: bool = False
    ) -> WebhookDelivery:
        """As the library says it."""
        return WebhookDelivery(
            id=self.id,
            account_id=who.account_id,
            endpoint_id=endpoint_id,
            type=self.type,
            payload=self.payload,
            state=self.state,
            created_at=seconds(self.created_at),
            image_id=self.image_id,
            due_at=seconds_or_none(self.next_attempt_at),
            finished_at=seconds_or_none(self.finished_at),
            attempts=tuple(each.attempt() for each in self.attempts),
            replayed=replayed,
        )


class DeliveriesTold(msgspec.Struct, frozen=True):
    """A page of deliveries."""

    deliveries: list[DeliveryTold]
    next_cursor: str | None

    def rows(self) -> list[DeliveryTold]:
        """See ``Page``."""
        return self.deliveries


class RemoteWebhooks:
    """As ``acting.Webhooks``."""

    def __init__(self, wire: Wire, principal: Principal) -> None:
        self._wire = wire
        self._principal = principal

    async def create(
        self,
        url: str,
        *,
        types: Collection[str] = (),
        description: str = "",
        idempotency_key: str | None = None,
    ) -> NewWebhookEndpoint:
        """See ``Webhooks.create``; ``AlreadyCreated`` also when its answer was lost on the way."""
        body = {"url": url, "types": list(types), "description": description}
        told = await self._wire.create(
            EndpointTold, "/webhook-endpoints", body, key=idempotency_key
        )
        return told.value.made(self._principal)

    async def get(self, endpoint_id: str) -> WebhookEndpoint:
        """See ``Webhooks.get``."""
        told = await self._wire.get(EndpointTold, _path(endpoint_id))
        return told.endpoint(self._principal)

    async def page(
        self, *, limit: int = 50, before: WebhookEndpoint | Place | None = None
    ) -> list[WebhookEndpoint]:
        """See ``Webhooks.page``."""
        place = before.place if isinstance(before, WebhookEndpoint) else before
        rows = await rows_of(
            self._wire, EndpointsTold, "/webhook-endpoints", {}, before=place, limit=limit
        )
        return [row.endpoint(self._principal) for row in rows]

    async def change(
        self,
        endpoint_id: str,
        *,
        url: str | UnsetType = UNSET,
        types: Collection[str] | UnsetType = UNSET,
        description: str | UnsetType = UNSET,
        enabled: bool | UnsetType = UNSET,
    ) -> WebhookEndpoint:
        """See ``Webhooks.change``."""
        named = {"url": url, "types": types, "description": description, "enabled": enabled}
        body = {name: value for name, value in named.items() if value is not UNSET}
        if not isinstance(types, UnsetType):
            body["types"] = list(types)
        told = await self._wire.send(EndpointTold, "PATCH", _path(endpoint_id), body)
        return told.endpoint(self._principal)

    async def delete(self, endpoint_id: str) -> None:
        """See ``Webhooks.delete``."""
        try:
            await self._wire.send(type(None), "DELETE", _path(endpoint_id))
        except NotFound as gone:
            if not was_repeated(gone):
                raise

    async def rotate_secret(
        self,
        endpoint_id: str,
        *,
        overlap_s: float = OVERLAP_S,
        idempotency_key: str | None = None,
    ) -> NewWebhookEndpoint:
        """See ``Webhooks.rotate_secret``; the overlap in whole seconds."""
        if not math.isfinite(overlap_s):
            raise ValidationFailed(fields={"overlap_s": "is a number of seconds."})
        told = await self._wire.create(
            EndpointTold,
            f"{_path(endpoint_id)}/rotate-secret",
            {"overlap": math.ceil(overlap_s)},
            key=idempotency_key,
        )
        return told.value.made(self._principal)

    async def deliveries(
        self,
        endpoint_id: str,
        *,
        state: DeliveryState | None = None,
        limit: int = 50,
        before: WebhookDelivery | Place | None = None,
    ) -> list[WebhookDelivery]:
        """See ``Webhooks.deliveries``."""
        place = before.place if isinstance(before, WebhookDelivery) else before
        path = f"{_path(endpoint_id)}/deliveries"
        query = in_query(state=state)
        rows = await rows_of(self._wire, DeliveriesTold, path, query, before=place, limit=limit)
        return [row.delivery(self._principal, endpoint_id) for row in rows]

    async def delivery(self, endpoint_id: str, delivery_id: str) -> WebhookDelivery:
        """See ``Webhooks.delivery``."""
        told = await self._wire.get(DeliveryTold, _delivery(endpoint_id, delivery_id))
        return told.delivery(self._principal, endpoint_id)

    async def redeliver(
        self, endpoint_id: str, delivery_id: str, *, idempotency_key: str | None = None
    ) -> WebhookDelivery:
        """See ``Webhooks.redeliver``."""
        path = f"{_delivery(endpoint_id, delivery_id)}/redeliver"
        told = await self._wire.create(DeliveryTold, path, key=idempotency_key)
        return told.value.delivery(self._principal, endpoint_id, replayed=told.replayed)

    async def test(
        self, endpoint_id: str, *, idempotency_key: str | None = None
    ) -> WebhookDelivery:
        """See ``Webhooks.test``."""
        path = f"{_path(endpoint_id)}/test"
        told = await self._wire.create(DeliveryTold, path, key=idempotency_key)
        return told.value.delivery(self._principal, endpoint_id, replayed=told.replayed)


def _path(endpoint_id: str) -> str:
    return f"/webhook-endpoints/{in_path('endpoint', endpoint_id)}"


def _delivery(endpoint_id: str, delivery_id: str) -> str:
    return f"{_path(endpoint_id)}/deliveries/{in_path('delivery', delivery_id)}"
