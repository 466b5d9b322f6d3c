"""Meters, what they count and what that costs, and who is entitled to what."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as vendor

from staging_core.testing.stripe import RunningStripe

from .conftest import Play, Shop, types

NOW, DAY = 1_800_000_000, 86_400


async def metered(v1: Any, formula: str = "sum") -> tuple[Shop, Any, str, str]:
    """A shop with a meter, a customer on a test clock, and the clock."""
    shop = await Shop(v1).open()
    meter = await v1.billing.meters.create_async(
        {
            "display_name": "Images over the limit",
            "event_name": "images",
            "default_aggregation": {"formula": formula},
        }
    )
    clock = await shop.clock()
    return shop, meter, await shop.customer(test_clock=clock), clock


def event(customer: str, value: int | str, **more: Any) -> dict[str, Any]:
    """A meter event."""
    payload = {"stripe_customer_id": customer, "value": str(value)}
    return {"event_name": "images", "payload": payload, **more}


def test_overage_is_billed_with_the_next_invoice(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop, meter, ada, clock = await metered(v1)
        product = await v1.products.create_async({"name": "Overage"})
        recurring = {"interval": "month", "usage_type": "metered", "meter": meter.id}
        tiers = [{"up_to": 10, "unit_amount": 0}, {"up_to": "inf", "unit_amount": 25}]
        price = await v1.prices.create_async(
            {
                "product": product.id,
                "currency": "usd",
                "recurring": recurring,
                "billing_scheme": "tiered",
                "tiers_mode": "graduated",
                "tiers": tiers,
            }
        )
        items = {"items": [{"price": shop.pro}, {"price": price.id}]}
        one = await v1.subscriptions.create_async({"customer": ada, **items})
        end = one["items"].data[0].current_period_end
        for number in range(3):
            sent = event(ada, 8, identifier=f"image {number}", timestamp=NOW + number * DAY)
            await shop.advance(clock, NOW + number * DAY + 60)
            await v1.billing.meter_events.create_async(sent)
        await shop.advance(clock, end + 60)
        late = event(ada, 2, timestamp=end - 60)
        await v1.billing.meter_events.create_async(late)
        await shop.advance(clock, end + 7200)
        renewal = (await v1.invoices.list_async({"subscription": one.id})).data[0]
        amounts = [(line.amount, line.quantity) for line in renewal.lines.data]
        assert amounts == [((26 - 10) * 25, 26), (2900, 1)]
        wrong = {"items": [{"price": price.id, "quantity": 2}]}
        with pytest.raises(vendor.InvalidRequestError, match="quantity on a metered price"):
            await v1.subscriptions.create_async({"customer": ada, **wrong})

    play(scenario)
    assert [one["value"] for one in stripe.truth("meter_event")] == ["8", "8", "8", "2"]


def test_an_identifier_counts_once_within_a_day(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        _, _, ada, _ = await metered(v1)
        sent = event(ada, 1, identifier="image 7")
        await v1.billing.meter_events.create_async(sent)
        with pytest.raises(vendor.InvalidRequestError, match="already exists"):
            await v1.billing.meter_events.create_async(sent)
        stripe.advance(DAY + 1)
        await v1.billing.meter_events.create_async(sent)

    play(scenario)
    assert [one["identifier"] for one in stripe.truth("meter_event")] == ["image 7"] * 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"event_name": "none"}, "no_meter"),
        ({"payload": {"value": "1"}}, "meter_event_no_customer_defined"),
        ({"payload": {"stripe_customer_id": "cus_none", "value": "1"}}, "resource_missing"),
        ({"value": None}, "meter_event_value_not_found"),
        ({"value": "many"}, "meter_event_invalid_value"),
        ({"value": "nan"}, "meter_event_invalid_value"),
        ({"timestamp": NOW - 36 * DAY}, "timestamp_too_far_in_past"),
        ({"timestamp": NOW + 301}, "timestamp_in_future"),
    ],
)
def test_an_event_that_cannot_be_counted_is_refused(
    stripe: RunningStripe, play: Play, changes: dict[str, Any], code: str
) -> None:
    async def scenario(v1: Any) -> None:
        _, _, ada, _ = await metered(v1)
        sent = event(ada, 1)
        if "value" in changes:
            sent["payload"] |= {"value": changes["value"]}
            sent["payload"] = {name: one for name, one in sent["payload"].items() if one}
        else:
            sent |= changes
        with pytest.raises(vendor.InvalidRequestError) as told:
            await v1.billing.meter_events.create_async(sent)
        assert told.value.code == code

    play(scenario)
    assert stripe.truth("meter_event") == []


@pytest.mark.parametrize(("formula", "value"), [("sum", 9.0), ("count", 3.0), ("last", 4.0)])
def test_summaries_aggregate_as_the_meter_says(play: Play, formula: str, value: float) -> None:
    async def scenario(v1: Any) -> None:
        _, meter, ada, _ = await metered(v1, formula)
        for number, used in enumerate((2, 3, 4)):
            at = NOW - (2 - number) * 3600
            await v1.billing.meter_events.create_async(event(ada, used, timestamp=at))
        asked = {"customer": ada, "start_time": NOW - DAY, "end_time": NOW + 60}
        (whole,) = (await v1.billing.meters.event_summaries.list_async(meter.id, asked)).data
        assert whole.aggregated_value == value
        hours = {"start_time": NOW - DAY, "end_time": NOW + 3600, "value_grouping_window": "hour"}
        found = await v1.billing.meters.event_summaries.list_async(meter.id, {**asked, **hours})
        assert len(found.data) == 3
        odd = {**asked, "start_time": NOW - DAY + 1}
        with pytest.raises(vendor.InvalidRequestError, match="aligned"):
            await v1.billing.meters.event_summaries.list_async(meter.id, odd)

    play(scenario)


def test_a_meter_counts_while_it_is_active_and_its_name_is_its_own(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        _, meter, ada, _ = await metered(v1)
        again = {"display_name": "x", "event_name": "images"}
        formula = {"default_aggregation": {"formula": "sum"}}
        with pytest.raises(vendor.InvalidRequestError, match="already exists"):
            await v1.billing.meters.create_async({**again, **formula})
        assert (await v1.billing.meters.deactivate_async(meter.id)).status == "inactive"
        with pytest.raises(vendor.InvalidRequestError) as told:
            await v1.billing.meter_events.create_async(event(ada, 1))
        assert told.value.code == "no_meter"
        assert (await v1.billing.meters.reactivate_async(meter.id)).status == "active"
        await v1.billing.meter_events.create_async(event(ada, 1))

    play(scenario)


def test_a_customer_is_entitled_to_what_they_subscribe_to(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        ada = await shop.customer()
        for key, price in (("hd", shop.pro), ("hd", shop.business), ("video", shop.business)):
            known = (await v1.entitlements.features.list_async({"lookup_key": key})).data
            feature = known[0] if known else await v1.entitlements.features.create_async(
                {"name": key, "lookup_key": key}
            )  # fmt: skip
            product = (await v1.prices.retrieve_async(price)).product
            attached = {"entitlement_feature": feature.id}
            await v1.products.features.create_async(product, attached)

        async def keys() -> list[str]:
            page = await v1.entitlements.active_entitlements.list_async({"customer": ada})
            return [one.lookup_key for one in page.data]

        one = await shop.subscription(ada, shop.pro)
        assert await keys() == ["hd"]
        item = {"id": one["items"].data[0].id, "price": shop.business}
        await v1.subscriptions.update_async(one.id, {"items": [item]})
        assert await keys() == ["hd", "video"]
        await v1.subscriptions.cancel_async(one.id)
        assert await keys() == []

    play(scenario)
    assert types(stripe).count("entitlements.active_entitlement_summary.updated") == 3
