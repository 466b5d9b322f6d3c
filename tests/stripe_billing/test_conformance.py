"""The backend keeps the contracts of payments, at a double of Stripe."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import stripe as vendor

from staging_core.backends.stripe_billing.billing import StripeBilling
from staging_core.models import Callback
from staging_core.testing.conformance import PaymentsConformance
from staging_core.testing.stripe import RunningStripe, running_stripe

from .conftest import SECRETS, opened, vendors_client

FEATURES = {"invoice_history": {"enabled": True}}
CARDS = {True: "pm_card_visa", False: "pm_card_chargeCustomerFail"}


class TestStripePayments(PaymentsConformance):
    stripe: RunningStripe
    v1: Any

    @asynccontextmanager
    async def open(self, home: Path, url: Any = None) -> AsyncIterator[StripeBilling]:
        """The backend at a double of its own, whose portal was saved once."""
        with running_stripe() as self.stripe:
            async with vendors_client(self.stripe) as self.v1, opened(self.stripe, home) as billing:
                await self.v1.billing_portal.configurations.create_async({"features": FEATURES})
                yield billing

    async def pay(self, url: str) -> None:
        self.stripe.pay(url.rpartition("/")[2])

    async def reports(self) -> list[Callback]:
        events = self.stripe.objects("event")
        return [await self.signed(json.dumps(event).encode()) for event in events]

    async def signed(self, body: bytes) -> Callback:
        text, secret = body.decode(), SECRETS.split()[0]
        header = vendor.WebhookSignature.generate_signature_header(text, secret)
        headers = {"stripe-signature": header}
        return Callback(body=body, headers=headers, received_at=time.time())

    async def have_card(self, customer_id: str, *, pays: bool) -> None:
        card = await self.v1.payment_methods.attach_async(CARDS[pays], {"customer": customer_id})
        default = {"default_payment_method": card.id}
        await self.v1.customers.update_async(customer_id, {"invoice_settings": default})
        for one in self.stripe.objects("subscription"):
            await self.v1.subscriptions.update_async(one["id"], default)

    async def deliver(self, *, well: bool) -> None:
        """Where no endpoint is registered nothing is missed; at this one nobody answers."""
        self.stripe.hold_events()
        if not well:
            told = {"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]}
            await self.v1.webhook_endpoints.create_async(told)

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        self.stripe.chaos(error_before=1.0)
        yield
        self.stripe.chaos(error_before=0.0)

    async def now(self) -> float:
        """The double's time is the real one, as nothing advances it."""
        return time.time()
