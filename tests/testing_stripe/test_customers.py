"""Customers and their payment methods."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as vendor

from staging_core.testing.stripe import RunningStripe

from .conftest import Play, Shop, types


def test_two_creates_make_two_customers(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        for _ in range(2):
            await v1.customers.create_async({"email": "ada@example.com"})
        found = await v1.customers.list_async({"email": "ada@example.com"})
        assert len(found.data) == 2

    play(scenario)


def test_an_update_tells_what_was_before(play: Play) -> None:
    async def scenario(v1: Any) -> Any:
        ada = await v1.customers.create_async({"name": "Ada", "metadata": {"a": "1", "b": "2"}})
        await v1.customers.update_async(ada.id, {"name": "Ada L.", "metadata": {"b": "3"}})
        await v1.customers.update_async(ada.id, {"name": "Ada L."})
        return [one.to_dict() for one in (await v1.events.list_async()).data]

    updated, created = play(scenario)
    assert created["type"] == "customer.created"
    assert updated["data"]["previous_attributes"] == {"name": "Ada", "metadata": {"b": "2"}}


def test_a_deleted_customer_is_known_as_deleted_and_pays_no_more(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        ada = await shop.customer()
        one = await shop.subscription(ada, shop.pro)
        assert (await v1.customers.delete_async(ada)).deleted
        assert (await v1.customers.retrieve_async(ada)).deleted
        assert (await v1.subscriptions.retrieve_async(one.id)).status == "canceled"
        for deed in (
            v1.customers.update_async(ada, {"name": "x"}),
            v1.customers.delete_async(ada),
            shop.subscription(ada, shop.pro),
        ):
            with pytest.raises(vendor.InvalidRequestError) as told:
                await deed
            assert told.value.code == "resource_missing"
        assert (await v1.customers.list_async()).data == []

    play(scenario)
    assert types(stripe)[-2:] == ["customer.subscription.deleted", "customer.deleted"]


def test_a_method_is_attached_listed_made_the_default_and_removed(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        ada = (await v1.customers.create_async({})).id
        made = await v1.payment_methods.create_async(
            {"type": "card", "card": {"token": "tok_mastercard"}}
        )
        method = await v1.payment_methods.attach_async(made.id, {"customer": ada})
        assert (method.card.brand, method.card.last4, method.customer) == (
            "mastercard",
            "4444",
            ada,
        )
        default = {"invoice_settings": {"default_payment_method": method.id}}
        await v1.customers.update_async(ada, default)
        listed = await v1.customers.payment_methods.list_async(ada, {"type": "card"})
        assert [one.id for one in listed.data] == [method.id]
        await v1.payment_methods.detach_async(method.id)
        after = await v1.customers.retrieve_async(ada)
        assert after.invoice_settings.default_payment_method is None
        with pytest.raises(vendor.InvalidRequestError, match="may not be used again"):
            await v1.payment_methods.attach_async(method.id, {"customer": ada})
        with pytest.raises(vendor.InvalidRequestError, match="not attached"):
            await v1.payment_methods.detach_async(method.id)

    play(scenario)
    assert {"payment_method.attached", "payment_method.detached"} <= set(types(stripe))


def test_somebody_elses_method_and_a_declining_card_are_refused(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        ada, bob = [(await v1.customers.create_async({})).id for _ in range(2)]
        method = await v1.payment_methods.attach_async("pm_card_visa", {"customer": ada})
        with pytest.raises(vendor.InvalidRequestError, match="another customer"):
            await v1.payment_methods.attach_async(method.id, {"customer": bob})
        default = {"invoice_settings": {"default_payment_method": method.id}}
        with pytest.raises(vendor.InvalidRequestError, match="does not have a payment method"):
            await v1.customers.update_async(bob, default)
        with pytest.raises(vendor.CardError) as told:
            await v1.payment_methods.attach_async("pm_card_chargeDeclined", {"customer": bob})
        assert (told.value.code, told.value.http_status) == ("card_declined", 402)

    play(scenario)
