"""``credits:https://…`` holds, takes and gives back credits at a service outside.

Weak spot: a credit is an image, whatever its model costs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote as quoted

import httpx

from staging_core.errors import BillingUnavailable, SettingError, UsageLimitExceeded
from staging_core.interfaces import OpenContext
from staging_core.models import Order, Quote, Reservation, Settlement
from staging_core.urls import BackendURL, api_address

_CALL_S = 10.0
_REMEDY = "Buy credits from the service that keeps them, then send the same request again."


class CreditBilling:
    """Implements ``Billing`` and ``ReservesElsewhere``."""

    source = "credits"

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def quote(self, order: Order) -> Quote:
        """A credit for each image; ``UsageLimitExceeded`` when the account has not so many now."""
        answer = await self._ask("GET", f"/v1/accounts/{quoted(order.account_id, safe='')}")
        left = _good(answer)["left"]
        if left < order.images:
            raise UsageLimitExceeded(
                f"The account has {left} credits left, not {order.images}.", remedy=_REMEDY
            )
        return Quote(model_cost_usd=order.model_cost_usd, rule="a credit for each image")

    async def reserve(self, reservation: Reservation) -> None:
        """Hold the credits; what is over already is not held, which is as good as not answered."""
        hold = {
            "id": reservation.id,
            "account": reservation.account_id,
            "images": reservation.images,
            "cents": reservation.amount_cents,
            "currency": reservation.currency,
            "model": reservation.model,
        }
        answer = await self._ask("POST", "/v1/holds", hold)
        if answer.status_code == httpx.codes.PAYMENT_REQUIRED:
            raise UsageLimitExceeded(str(answer.json()["message"]), remedy=_REMEDY)
        _good(answer)

    async def settle(self, settlement: Settlement) -> None:
        """End the hold; the service knows by itself what it has heard before."""
        ending = {"captured": settlement.captured, "released": settlement.released}
        path = f"/v1/holds/{quoted(settlement.reservation_id, safe='')}/settle"
        _good(await self._ask("POST", path, ending))

    async def _ask(self, method: str, path: str, body: object | None = None) -> httpx.Response:
        try:
            return await self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise BillingUnavailable("The credit service did not answer.") from error


def _good(answer: httpx.Response) -> dict[str, Any]:
    """What the service says, unless it says that something is wrong."""
    if not answer.is_success:
        raise BillingUnavailable(f"The credit service answered {answer.status_code}.")
    told: dict[str, Any] = answer.json()
    return told


@asynccontextmanager
async def open_credits(url: BackendURL, context: OpenContext) -> AsyncIterator[CreditBilling]:
    """Open ``credits:https://HOST``, with the token in ``CREDITS_TOKEN``; asks nobody yet."""
    usual = "credits:https://credits.example"
    if url.options or not url.path:
        raise SettingError(f"{url} names no credit service.", remedy=f"Write it as {usual}.")
    address = api_address("The credit service", url.path, usual)
    headers = {"authorization": f"Bearer {context.secret('CREDITS_TOKEN')}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=_CALL_S) as client:
        yield CreditBilling(client)
