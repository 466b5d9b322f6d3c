"""What is sold: products, prices, coupons and codes, and what of them is refused."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as vendor

from staging_core.testing.stripe import RunningStripe

from .conftest import Play, Shop


def test_a_plan_is_pushed_found_and_replaced(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        product = await v1.products.create_async({"id": "pro", "name": "Pro"})
        params = {"product": product.id, "currency": "usd", "recurring": {"interval": "month"}}
        old = await v1.prices.create_async({**params, "unit_amount": 2900, "lookup_key": "pro"})
        found = await v1.prices.list_async({"lookup_keys": ["pro"], "active": True})
        assert [one.id for one in found.data] == [old.id]
        new = await v1.prices.create_async(
            {**params, "unit_amount": 3900, "lookup_key": "pro", "transfer_lookup_key": True}
        )
        await v1.prices.update_async(old.id, {"active": False})
        await v1.products.update_async("pro", {"default_price": new.id, "name": "Pro, larger"})
        found = await v1.prices.list_async({"lookup_keys": ["pro"]})
        assert [one.id for one in found.data] == [new.id]
        assert (await v1.products.retrieve_async("pro")).default_price == new.id

    play(scenario)


RECURRING = {"interval": "month"}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"product": "prod_none"}, "product"),
        ({"currency": "xyz"}, "currency"),
        ({"unit_amount": -1}, "unit_amount"),
        ({"unit_amount": 100_000_000}, "unit_amount"),
        ({"unit_amount_decimal": "0.5"}, None),
        ({"recurring": {"interval": "month", "interval_count": 37}}, "recurring[interval_count]"),
        ({"recurring": {"interval": "month", "usage_type": "metered"}}, "recurring[meter]"),
        ({"recurring": {"interval": "month", "meter": "mtr_none"}}, "recurring[meter]"),
        ({"lookup_key": "taken"}, "lookup_key"),
    ],
)
def test_a_price_that_cannot_be_is_refused(
    stripe: RunningStripe, play: Play, changes: dict[str, Any], param: str | None
) -> None:
    async def scenario(v1: Any) -> None:
        product = await v1.products.create_async({"name": "Pro"})
        usual = {"product": product.id, "currency": "usd", "unit_amount": 2900}
        await v1.prices.create_async({**usual, "lookup_key": "taken"})
        with pytest.raises(vendor.InvalidRequestError) as told:
            await v1.prices.create_async({**usual, "recurring": RECURRING, **changes})
        assert told.value.param == param

    play(scenario)
    assert len(stripe.objects("price")) == 1


def test_a_product_with_prices_is_not_deleted(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        product = (await v1.prices.retrieve_async(shop.pro)).product
        with pytest.raises(vendor.InvalidRequestError, match="user-created prices"):
            await v1.products.delete_async(product)
        alone = await v1.products.create_async({"name": "Alone"})
        assert (await v1.products.delete_async(alone.id)).deleted

    play(scenario)


def test_graduated_tiers_are_shown_when_asked_for(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        product = await v1.products.create_async({"name": "Overage"})
        tiers = [{"up_to": 100, "unit_amount": 0}, {"up_to": "inf", "unit_amount": 15}]
        price = await v1.prices.create_async(
            {
                "product": product.id,
                "currency": "usd",
                "billing_scheme": "tiered",
                "tiers_mode": "graduated",
                "tiers": tiers,
                "recurring": RECURRING,
                "expand": ["tiers"],
            }
        )
        assert [(one.up_to, one.unit_amount) for one in price.tiers] == [(100, 0), (None, 15)]

    play(scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": "once"},
        {"percent_off": 20, "amount_off": 500, "currency": "usd"},
        {"percent_off": 0},
        {"percent_off": 101},
        {"amount_off": 500},
        {"percent_off": 20, "duration": "repeating"},
        {"percent_off": 20, "id": "taken"},
    ],
)
def test_a_coupon_that_cannot_be_is_refused(play: Play, wrong: dict[str, Any]) -> None:
    async def scenario(v1: Any) -> None:
        await v1.coupons.create_async({"percent_off": 10, "id": "taken"})
        with pytest.raises(vendor.InvalidRequestError):
            await v1.coupons.create_async(wrong)

    play(scenario)


def test_a_discount_comes_off_each_invoice_as_long_as_it_lasts(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> list[int]:
        shop = await Shop(v1).open()
        coupon = await v1.coupons.create_async({"percent_off": 50, "duration": "once"})
        await shop.subscription(await shop.customer(), shop.pro, discounts=[{"coupon": coupon.id}])
        stripe.advance(32 * 86400)
        invoices = (await v1.invoices.list_async()).data
        return [one.amount_paid for one in invoices]

    assert play(scenario) == [2900, 1450]


def test_a_code_is_used_up_and_only_for_whom_it_is(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        ada, bob = await shop.customer(), await shop.customer()
        coupon = await v1.coupons.create_async({"amount_off": 900, "currency": "usd"})
        promotion = {"type": "coupon", "coupon": coupon.id}
        code = await v1.promotion_codes.create_async(
            {"promotion": promotion, "customer": ada, "max_redemptions": 1}
        )
        discounts = [{"promotion_code": code.id}]
        with pytest.raises(vendor.InvalidRequestError, match="another customer"):
            await shop.subscription(bob, shop.pro, discounts=discounts)
        one = await shop.subscription(ada, shop.pro, discounts=discounts)
        assert (await v1.invoices.retrieve_async(one.latest_invoice)).amount_paid == 2000
        with pytest.raises(vendor.InvalidRequestError, match="not active"):
            await shop.subscription(ada, shop.business, discounts=discounts)
        assert (await v1.promotion_codes.retrieve_async(code.id)).times_redeemed == 1

    play(scenario)
