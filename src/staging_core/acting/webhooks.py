"""The account's webhook endpoints, for its admins."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import UNSET, UnsetType

from staging_core.creation import Creation, creating
from staging_core.database import accounts, deliveries, endpoints
from staging_core.database.engine import Transaction
from staging_core.errors import (
    AlreadyCreated,
    EndpointDisabled,
    TooManyEndpoints,
    ValidationFailed,
)
from staging_core.models import (
    EVENT_TYPES,
    DeliveryState,
    NewWebhookEndpoint,
    Place,
    Principal,
    WebhookDelivery,
    WebhookEndpoint,
    check_role,
    trial_message,
)
from staging_core.ports import Ports
from staging_core.scoped import needs
from staging_core.webhooks import EndpointKeys, new_secret

MOST_ENDPOINTS = 20
"""Of one account."""

OVERLAP_S = 86_400.0
"""How long the secret before a rotation signs too, where nobody says otherwise."""

_LONGEST_OVERLAP_S = 30 * 86_400.0
_LONGEST_URL = 2048
_LONGEST_DESCRIPTION = 255


class Webhooks:
    """The account's webhook endpoints, and what was delivered to them.

    All of it is for admins of the account: ``Forbidden`` for others.
    """

    def __init__(self, ports: Ports, principal: Principal) -> None:
        self._ports = ports
        self._database = ports.database
        self._principal = principal
        self._keys = EndpointKeys(ports.settings)

    @needs("webhooks:write")
    async def create(
        self,
        url: str,
        *,
        types: Collection[str] = (),
        description: str = "",
        idempotency_key: str | None = None,
    ) -> NewWebhookEndpoint:
        """A new endpoint with its secret, which is shown this once.

        ``url``: a public https address. ``types``: which of ``EVENT_TYPES`` it is told of; empty:
        all. ``ValidationFailed``, ``EndpointRefused``, ``TooManyEndpoints``. A repeat under the
        same ``idempotency_key`` is ``AlreadyCreated``, with the endpoint's id.
        """
        account_id = self._administered()
        _check(url=url, types=types, description=description)
        await self._ports.posts.check(url)
        asked = [url, sorted(types), description]
        async with creating(
            self._ports, account_id, idempotency_key, route="webhooks.create", asked=asked
        ) as creation:
            if creation.created is not None:
                raise AlreadyCreated(id=creation.created[0])
            values = {"url": url, "types": _ordered(types), "description": description}
            return await self._create(account_id, creation, values)

    async def _create(
        self, account_id: str, creation: Creation, values: dict[str, Any]
    ) -> NewWebhookEndpoint:
        secret, endpoint_id = new_secret(), f"we_{uuid4().hex}"
        sealed = self._keys.sealed(secret, endpoint_id)
        async with self._database.write(account_id) as tx:
            await accounts.ensure(tx, account_id)
            if await endpoints.count(tx, account_id) >= MOST_ENDPOINTS:
                raise TooManyEndpoints(f"The account has {MOST_ENDPOINTS} webhook endpoints.")
            endpoint = await endpoints.add(tx, account_id, id=endpoint_id, secret=sealed, **values)
            await creation.keep(tx, [endpoint_id])
        return NewWebhookEndpoint(endpoint=endpoint, secret=secret)

    @needs("webhooks:write")
    async def get(self, endpoint_id: str) -> WebhookEndpoint:
        """One endpoint; ``NotFound``."""
        account_id = self._administered()
        async with self._database.read(account_id) as tx:
            return await endpoints.get(tx, account_id, endpoint_id)

    @needs("webhooks:write")
    async def page(
        self, *, limit: int = 50, before: WebhookEndpoint | Place | None = None
    ) -> list[WebhookEndpoint]:
        """Endpoints, newest first; ``before``: the last one of the page before, or its place."""
        account_id = self._administered()
        place = before.place if isinstance(before, WebhookEndpoint) else before
        async with self._database.read(account_id) as tx:
            return await endpoints.page(tx, account_id, before=place, limit=limit)

    @needs("webhooks:write")
    async def change(
        self,
        endpoint_id: str,
        *,
        url: str | UnsetType = UNSET,
        types: Collection[str] | UnsetType = UNSET,
        description: str | UnsetType = UNSET,
        enabled: bool | UnsetType = UNSET,
    ) -> WebhookEndpoint:
        """The endpoint with what is named changed; errors as for ``create``, ``NotFound``.

        Disabled, it is told nothing, and what it was still to be told has failed. Enabled again, it
        is told of what happens from then on; what failed may be delivered again.
        """
        account_id = self._administered()
        named = {"url": url, "types": types, "description": description, "enabled": enabled}
        given: dict[str, Any] = {name: value for name, value in named.items() if value is not UNSET}
        enabling = given.pop("enabled", None)
        _check(**given)
        if "url" in given:
            await self._ports.posts.check(given["url"])
        if "types" in given:
            given["types"] = _ordered(given["types"])
        async with self._database.write(account_id) as tx:
            await accounts.ensure(tx, account_id)
            was = await endpoints.held(tx, account_id, endpoint_id)
            if enabling is True and was["disabled_at"] is not None:
                given |= {"disabled_at": None, "disabled_reason": None, "failing_since": None}
            if enabling is False and was["disabled_at"] is None:
                await endpoints.disable(tx, account_id, endpoint_id, "by_hand")
            return await endpoints.change(tx, account_id, endpoint_id, **given)

    @needs("webhooks:write")
    async def delete(self, endpoint_id: str) -> None:
        """The endpoint is gone with the log of its deliveries; ``NotFound``."""
        account_id = self._administered()
        async with self._database.write(account_id) as tx:
            await accounts.ensure(tx, account_id)
            await endpoints.delete(tx, account_id, endpoint_id)

    @needs("webhooks:write")
    async def rotate_secret(
        self,
        endpoint_id: str,
        *,
        overlap_s: float = OVERLAP_S,
        idempotency_key: str | None = None,
    ) -> NewWebhookEndpoint:
        """The endpoint with a new secret, which is shown this once; ``NotFound``.

        For ``overlap_s`` seconds, at most 30 days, the one before signs too; one that was before it
        signs no more. A repeat under the same ``idempotency_key`` is ``AlreadyCreated``.
        """
        account_id = self._administered()
        if not 0 <= overlap_s <= _LONGEST_OVERLAP_S:
            words = f"is 0 to {_LONGEST_OVERLAP_S:.0f} seconds."
            raise ValidationFailed(fields={"overlap_s": words})
        async with creating(
            self._ports,
            account_id,
            idempotency_key,
            route="webhooks.rotate_secret",
            asked=[endpoint_id, overlap_s],
        ) as creation:
            if creation.created is not None:
                raise AlreadyCreated(id=creation.created[0])
            return await self._rotate(account_id, endpoint_id, overlap_s, creation)

    async def _rotate(
        self, account_id: str, endpoint_id: str, overlap_s: float, creation: Creation
    ) -> NewWebhookEndpoint:
        secret = new_secret()
        async with self._database.write(account_id) as tx:
            was = await endpoints.held(tx, account_id, endpoint_id)
            endpoint = await endpoints.change(
                tx,
                account_id,
                endpoint_id,
                secret=self._keys.sealed(secret, endpoint_id),
                previous_secret=was["secret"] if overlap_s else None,
                previous_secret_until=tx.now + overlap_s if overlap_s else None,
            )
            await creation.keep(tx, [endpoint_id])
        return NewWebhookEndpoint(endpoint=endpoint, secret=secret)

    @needs("webhooks:write")
    async def deliveries(
        self,
        endpoint_id: str,
        *,
        state: DeliveryState | None = None,
        limit: int = 50,
        before: WebhookDelivery | Place | None = None,
    ) -> list[WebhookDelivery]:
        """What was, or is to be, delivered to it in 30 days, newest first; ``NotFound``."""
        account_id = self._administered()
        place = before.place if isinstance(before, WebhookDelivery) else before
        async with self._database.read(account_id) as tx:
            await endpoints.get(tx, account_id, endpoint_id)
            return await deliveries.page(
                tx, account_id, endpoint_id, state=state, before=place, limit=limit
            )

    @needs("webhooks:write")
    async def delivery(self, endpoint_id: str, delivery_id: str) -> WebhookDelivery:
        """One of them; ``NotFound``."""
        account_id = self._administered()
        async with self._database.read(account_id) as tx:
            return await deliveries.get(tx, account_id, endpoint_id, delivery_id)

    @needs("webhooks:write")
    async def redeliver(
        self, endpoint_id: str, delivery_id: str, *, idempotency_key: str | None = None
    ) -> WebhookDelivery:
        """Deliver it again, from now on and under the same id, as if it were new.

        Its tries so far stay in the log. ``NotFound``, ``EndpointDisabled``. A repeat under the
        same ``idempotency_key`` does not deliver it once more; the delivery is ``replayed``.
        """
        account_id = self._administered()
        asked = [endpoint_id, delivery_id]
        async with creating(
            self._ports, account_id, idempotency_key, route="webhooks.redeliver", asked=asked
        ) as creation:
            if creation.created is not None:
                earlier = await self.delivery(endpoint_id, delivery_id)
                return msgspec.structs.replace(earlier, replayed=True)
            async with self._database.write(account_id) as tx:
                await _enabled(tx, account_id, endpoint_id)
                await deliveries.get(tx, account_id, endpoint_id, delivery_id)
                await deliveries.again(tx, delivery_id)
                await creation.keep(tx, [delivery_id])
                return await deliveries.get(tx, account_id, endpoint_id, delivery_id)

    @needs("webhooks:write")
    async def test(
        self, endpoint_id: str, *, idempotency_key: str | None = None
    ) -> WebhookDelivery:
        """Send it a ``webhook.test``, once; its delivery says how that goes.

        ``NotFound``, ``EndpointDisabled``. A repeat under the same ``idempotency_key`` is the same
        delivery, ``replayed``.
        """
        account_id = self._administered()
        async with creating(
            self._ports, account_id, idempotency_key, route="webhooks.test", asked=[endpoint_id]
        ) as creation:
            if creation.created is not None:
                earlier = await self.delivery(endpoint_id, creation.created[0])
                return msgspec.structs.replace(earlier, replayed=True)
            async with self._database.write(account_id) as tx:
                await _enabled(tx, account_id, endpoint_id)
                message = trial_message(account_id, endpoint_id, tx.now)
                delivery_id = await deliveries.add_one(tx, message, endpoint_id)
                await creation.keep(tx, [delivery_id])
                return await deliveries.get(tx, account_id, endpoint_id, delivery_id)

    def _administered(self) -> str:
        """The account, when who acts is an admin of it."""
        check_role(self._principal, "admin")
        return accounts.check(self._principal.account_id)


async def _enabled(tx: Transaction, account_id: str, endpoint_id: str) -> None:
    """``EndpointDisabled``; nobody disables it until the commit."""
    await accounts.ensure(tx, account_id)
    endpoint = await endpoints.get(tx, account_id, endpoint_id)
    if endpoint.disabled_at is not None:
        raise EndpointDisabled()


def _ordered(types: Collection[str]) -> list[str]:
    return [each for each in EVENT_TYPES if each in types]


def _check(*, url: str = "https://", types: Collection[str] = (), description: str = "") -> None:
    """``ValidationFailed`` names what cannot be."""
    wrong = {}
    if not url or len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
        wrong["url"] = f"is an https address of at most {_LONGEST_URL} characters."
    if unknown := sorted(set(types) - set(EVENT_TYPES)):
        wrong["types"] = f"are among {', '.join(EVENT_TYPES)}; {unknown[0]!r} is not."
    if len(description) > _LONGEST_DESCRIPTION or not (description or "-").isprintable():
        words = f"is a text of at most {_LONGEST_DESCRIPTION} characters that can be seen."
        wrong["description"] = words
    if wrong:
        raise ValidationFailed(fields=wrong)
