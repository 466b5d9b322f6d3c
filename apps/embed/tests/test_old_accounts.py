"""The user and what their account uses, as clients of the original system call them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from .old_client import both, is_time, old_client


@both
def test_the_profile(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            # Four first calls of a new user come at one moment.
            calls = [old.call("GET", "/user/profile") for _ in range(4)]
            first, *rest = await asyncio.gather(*calls)
            assert all(each == first for each in rest)
            assert set(first) == {
                "id",
                "role",
                "email",
                "full_name",
                "company_name",
                "phone",
                "billing_address",
                "profile_photo_url",
                "preferences",
                "stripe_customer_id",
                "created_at",
                "updated_at",
            }
            change = {
                "full_name": "Anna Example",
                "billing_address": {"country": "DE"},
                "preferences": {"default_style": "bohemian"},
            }
            changed = await old.call("PATCH", "/user/profile", change)
            assert {name: changed[name] for name in change} == change
            again = await old.call("PATCH", "/user/profile", {"phone": "+49 1"})
            assert {name: again[name] for name in change} == change
            assert again["phone"] == "+49 1"
            cleared = await old.call("PATCH", "/user/profile", {"phone": None})
            assert cleared["phone"] is None
            assert await old.call("GET", "/user/profile") == cleared

    asyncio.run(scenario())


@both
def test_what_was_used_and_the_free_plan(tmp_path: Path, database: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path, **database) as old:
            usage = await old.call("GET", "/billing/usage")
            assert set(usage) == {
                "images_used",
                "monthly_limit",
                "plan_code",
                "period_start",
                "period_end",
                "has_subscription",
                "remaining_images",
                "overage_images",
                "features",
            }
            assert (usage["images_used"], usage["plan_code"]) == (0, "free")
            assert usage["remaining_images"] > 0
            assert is_time(usage["period_start"])
            project = await old.call("POST", "/projects", {"name": "a"}, status=201)
            await old.staged(project["id"])
            await old.call("DELETE", f"/projects/{project['id']}", status=204)
            assert (await old.call("GET", "/billing/usage"))["images_used"] == 1
            listed = await old.call("GET", "/billing/subscriptions")
            assert (listed["limit"], listed["offset"]) == (50, 0)
            (plan,) = listed["items"]
            assert plan["status"] == "active"
            assert set(plan) == {
                "id",
                "status",
                "price_id",
                "current_period_start",
                "current_period_end",
                "cancel_at",
                "canceled_at",
                "cancel_at_period_end",
                "plan_code",
                "source",
                "created_at",
            }
            assert (await old.call("GET", "/billing/subscriptions?offset=1"))["items"] == []
            await old.call("GET", "/billing/subscriptions?limit=0", status=422)

    asyncio.run(scenario())


def test_what_needs_a_payment_provider_says_so_until_there_is_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with old_client(tmp_path) as old:
            empty = {"items": [], "limit": 50, "offset": 0}
            assert await old.call("GET", "/billing/invoices") == empty
            paged = await old.call("GET", "/billing/invoices?limit=10&offset=20")
            assert (paged["limit"], paged["offset"]) == (10, 20)
            price, method = {"price_id": "price_1"}, {"paymentMethodId": "pm_1"}
            calls = [
                ("POST", "/billing/create-checkout", price),
                ("POST", "/billing/portal", None),
                ("POST", "/billing/create-subscription-elements", price),
                ("GET", "/billing/payment-methods", None),
                ("POST", "/billing/set-default-payment-method", method),
                ("POST", "/billing/remove-payment-method", method),
                ("POST", "/billing/upgrade-subscription", price),
                ("POST", "/billing/cancel-subscription", None),
                ("POST", "/billing/resume-subscription", None),
                ("POST", "/stripe/webhook", {"type": "invoice.paid"}),
            ]
            for call in calls:
                told = await old.call(*call, status=503)
                assert told["code"] == "service_unavailable"
                assert "not configured" in told["message"]
            await old.call("POST", "/billing/create-checkout", {}, status=422)

    asyncio.run(scenario())
