"""Invoices: read, previewed, paid by hand or on their page, voided, written off."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as vendor

from staging_core.testing.stripe import RunningStripe

from .conftest import Play, Shop, types, visit
from .test_subscriptions import half_a_month, to


async def unpaid(v1: Any) -> Any:
    """An invoice that is open."""
    shop = await Shop(v1).open()
    ada = await shop.customer(card=None)
    one = await shop.subscription(ada, shop.pro, payment_behavior="default_incomplete")
    return await v1.invoices.retrieve_async(one.latest_invoice)


def test_a_customer_pays_on_the_invoices_page(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        invoice = await unpaid(v1)
        url = invoice.hosted_invoice_url
        page = visit(url)
        assert "29.00 USD" in page.text
        assert invoice.number in page.text
        form = {"payment_method": "pm_card_chargeDeclined"}
        declined = visit(url, form)
        assert (declined.status_code, "Your card was declined" in declined.text) == (402, True)
        assert "paid" in visit(url, {"payment_method": "pm_card_visa"}).text
        assert (await v1.invoices.retrieve_async(invoice.id)).status == "paid"
        pdf = visit(invoice.invoice_pdf)
        assert pdf.headers["content-type"] == "application/pdf"
        assert pdf.content.startswith(b"%PDF-")

    play(scenario)


def test_an_invoice_is_paid_by_a_method_or_elsewhere(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        invoice = await unpaid(v1)
        with pytest.raises(vendor.CardError, match="no default payment method"):
            await v1.invoices.pay_async(invoice.id)
        card = {"payment_method": "pm_card_visa"}
        paid = await v1.invoices.pay_async(invoice.id, {**card, "expand": ["payments"]})
        (payment,) = paid.payments.data
        assert (paid.status, payment.status, payment.amount_paid) == ("paid", "paid", 2900)
        with pytest.raises(vendor.InvalidRequestError) as told:
            await v1.invoices.pay_async(invoice.id, card)
        assert told.value.code == "invoice_already_paid"
        other = await unpaid(v1)
        settled = await v1.invoices.pay_async(other.id, {"paid_out_of_band": True})
        assert settled.status == "paid"

    play(scenario)
    assert [one["status"] for one in stripe.truth("charge")] == ["succeeded"]


def test_a_void_invoice_is_not_paid_and_its_subscription_never_was(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        invoice = await unpaid(v1)
        assert (await v1.invoices.void_invoice_async(invoice.id)).status == "void"
        for deed in (v1.invoices.pay_async, v1.invoices.void_invoice_async):
            with pytest.raises(vendor.InvalidRequestError):
                await deed(invoice.id)
        (one,) = (await v1.subscriptions.list_async({"status": "incomplete_expired"})).data
        assert one.latest_invoice == invoice.id

    play(scenario)
    assert "invoice.voided" in types(stripe)


def test_what_was_written_off_may_still_be_paid(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        invoice = await unpaid(v1)
        written_off = await v1.invoices.mark_uncollectible_async(invoice.id)
        assert written_off.status == "uncollectible"
        paid = await v1.invoices.pay_async(invoice.id, {"payment_method": "pm_card_visa"})
        assert paid.status == "paid"

    play(scenario)


def test_a_draft_may_be_finalized_before_its_hour_is_over(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        clock = await shop.clock()
        one = await shop.subscription(await shop.customer(test_clock=clock), shop.pro)
        await shop.advance(clock, one["items"].data[0].current_period_end + 60)
        (draft,) = (await v1.invoices.list_async({"status": "draft"})).data
        opened = await v1.invoices.finalize_invoice_async(draft.id)
        assert (opened.status, opened.amount_due) == ("open", 2900)
        with pytest.raises(vendor.InvalidRequestError):
            await v1.invoices.finalize_invoice_async(draft.id)

    play(scenario)


def test_invoices_are_listed_by_customer_subscription_and_status(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        ada, bob = await shop.customer(), await shop.customer()
        one = await shop.subscription(ada, shop.pro)
        other = await shop.subscription(bob, shop.business)
        for asked, found in (
            ({"customer": ada}, one),
            ({"subscription": other.id}, other),
            ({"status": "open"}, None),
        ):
            ids = [invoice.id for invoice in (await v1.invoices.list_async(asked)).data]
            assert ids == ([found.latest_invoice] if found else [])
        lines = await v1.invoices.line_items.list_async(one.latest_invoice)
        assert [line.pricing.price_details.price for line in lines.data] == [shop.pro]

    play(scenario)


# --- preview --------------------------------------------------------------------------------------


def test_a_preview_is_what_a_change_then_costs(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await half_a_month(v1)
        change = to(one, shop.business, proration_behavior="always_invoice")
        preview = await v1.invoices.create_preview_async(
            {"subscription": one.id, "subscription_details": change}
        )
        assert preview.id.startswith("upcoming_in_")
        assert len(stripe.objects("invoice")) == 1
        assert (await v1.subscriptions.retrieve_async(one.id)).latest_invoice == one.latest_invoice
        after = await v1.subscriptions.update_async(
            one.id, {**change, "expand": ["latest_invoice"]}
        )
        assert preview.amount_due == after.latest_invoice.amount_due == 3500

    play(scenario)


def test_a_preview_of_what_comes_next_and_of_what_has_not_begun(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await half_a_month(v1)
        await v1.subscriptions.update_async(one.id, to(one, shop.business))
        following = await v1.invoices.create_preview_async({"subscription": one.id})
        assert following.amount_due == -1450 + 4950 + 9900
        coupon = await v1.coupons.create_async({"percent_off": 50})
        new = {"customer": one.customer, "discounts": [{"coupon": coupon.id}]}
        new["subscription_details"] = {"items": [{"price": shop.pro}]}
        assert (await v1.invoices.create_preview_async(new)).amount_due == 1450
        assert (await v1.coupons.retrieve_async(coupon.id)).times_redeemed == 0
        await v1.subscriptions.update_async(one.id, {"cancel_at_period_end": True})
        with pytest.raises(vendor.InvalidRequestError) as told:
            await v1.invoices.create_preview_async({"subscription": one.id})
        assert told.value.code == "invoice_upcoming_none"

    play(scenario)
