"""Pages pay by the routes that they know, with the members that they know."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from staging_core.models import Card, PaymentMethod
from staging_core.testing import FakeProvider, paying

from .old_client import old_client

PLANS: dict[str, Any] = {
    "free": {"images": 10},
    "pro": {"images": 100, "price_cents": 2900, "price_ids": ["pro"]},
    "business": {"images": 500, "price_cents": 9900, "price_ids": ["business"]},
}
PRO, BUSINESS = {"price_id": "pro"}, {"price_id": "business"}


def test_every_route_of_paying_is_answered_as_old_pages_read_it(tmp_path: Path) -> None:
    provider = FakeProvider({"pro": 2900, "business": 9900})
    settings = {
        "billing": paying(provider, source="stripe"),
        "plans": PLANS,
        "billing_return_url": "https://pages.example/billing?tab=plan",
    }

    async def scenario() -> None:
        async with old_client(tmp_path, **settings) as old:
            nothing = await old.call("POST", "/billing/cancel-subscription", status=409)
            assert nothing["code"] == "no_active_subscription"
            wrong = await old.call(
                "POST", "/billing/create-checkout", {"price_id": "theirs"}, status=422
            )
            assert wrong["code"] == "unknown_price"
            page = await old.call("POST", "/billing/create-checkout", PRO)
            assert page.keys() == {"url"}
            assert page["url"] in provider.pages
            portal = await old.call("POST", "/billing/portal")
            assert portal.keys() == {"url"}
            begun = await old.call("POST", "/billing/create-subscription-elements", PRO)
            assert begun.keys() == {"subscriptionId", "clientSecret"}
            provider.pay(begun["subscriptionId"])
            for path in ("/billing/create-checkout", "/billing/create-subscription-elements"):
                twice = await old.call("POST", path, BUSINESS, status=409)
                assert twice["code"] == "already_subscribed"
            dearer = await old.call("POST", "/billing/upgrade-subscription", BUSINESS)
            assert dearer.keys() == {"subscriptionId", "clientSecret"}
            provider.pay(begun["subscriptionId"])
            cheaper = await old.call("POST", "/billing/upgrade-subscription", PRO)
            assert cheaper["success"] is True
            assert cheaper["message"]
            ended = await old.call("POST", "/billing/cancel-subscription")
            assert ended.keys() == {"message"}
            assert provider.subscriptions[begun["subscriptionId"]].cancel_at is not None
            assert (await old.call("POST", "/billing/resume-subscription")).keys() == {"message"}
            assert provider.subscriptions[begun["subscriptionId"]].cancel_at is None

    asyncio.run(scenario())


def test_ways_to_pay_and_bills_are_shown_as_old_pages_read_them(tmp_path: Path) -> None:
    provider = FakeProvider({"pro": 2900})
    settings = {
        "billing": paying(provider, source="stripe"),
        "plans": PLANS,
        "billing_return_url": "https://pages.example/billing",
    }

    async def scenario() -> None:
        async with old_client(tmp_path, **settings) as old:
            none = {"paymentMethods": [], "next_cursor": None}
            assert await old.call("GET", "/billing/payment-methods") == none
            begun = await old.call("POST", "/billing/create-subscription-elements", PRO)
            provider.pay(begun["subscriptionId"])
            [customer_id] = provider.customers
            card = Card(brand="visa", last4="4242", exp_month=12, exp_year=2030)
            provider.methods[customer_id] = [PaymentMethod(id="pm_1", type="card", card=card)]
            shown = {"brand": "visa", "last4": "4242", "expMonth": 12, "expYear": 2030}
            method = {"paymentMethodId": "pm_1"}
            await old.call("POST", "/billing/set-default-payment-method", method)
            ways = (await old.call("GET", "/billing/payment-methods"))["paymentMethods"]
            assert ways == [{"id": "pm_1", "type": "card", "card": shown, "isDefault": True}]
            await old.call("POST", "/billing/remove-payment-method", method)
            await old.call("POST", "/billing/remove-payment-method", method, status=404)
            [bill] = (await old.call("GET", "/billing/invoices?limit=1"))["items"]
            assert (bill["amount_paid"], bill["currency"], bill["status"]) == (2900, "usd", "paid")
            assert bill["hosted_invoice_url"].startswith("https://")
            assert bill["invoice_pdf"].endswith(".pdf")
            profile = await old.call("GET", "/user/profile")
            assert profile["stripe_customer_id"] == customer_id

    asyncio.run(scenario())
