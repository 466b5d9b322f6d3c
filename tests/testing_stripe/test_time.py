"""Test clocks and time that passes: renewals, trials, cards that fail, tries again."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as vendor

from staging_core.testing.stripe import RunningStripe

from .conftest import Play, Shop, Start, played, types

DAY = 86_400
NOW = 1_800_000_000


def test_a_renewal_is_a_draft_for_an_hour_and_then_paid(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> list[str]:
        shop = await Shop(v1).open()
        clock = await shop.clock()
        one = await shop.subscription(await shop.customer(test_clock=clock), shop.pro)
        end = one["items"].data[0].current_period_end
        await shop.advance(clock, end + 60)
        (draft, _) = (await v1.invoices.list_async({"subscription": one.id})).data
        assert (draft.status, draft.billing_reason) == ("draft", "subscription_cycle")
        await shop.advance(clock, end + 3700)
        paid = await v1.invoices.retrieve_async(draft.id)
        assert (paid.status, paid.created) == ("paid", end)
        assert paid.status_transitions.paid_at == end + 3600
        return [one.id, draft.id]

    one, invoice = play(scenario)
    assert types(stripe, invoice) == [
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    assert types(stripe, one)[-1] == "customer.subscription.updated"


def test_customers_without_a_clock_live_in_the_doubles_time(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> list[int]:
        shop = await Shop(v1).open()
        await shop.subscription(await shop.customer(), shop.pro)
        for _ in range(3):
            stripe.advance(31 * DAY + 7200)
        return [invoice.amount_paid for invoice in (await v1.invoices.list_async()).data]

    assert play(scenario) == [2900] * 4


def test_a_clock_goes_forwards_and_not_too_far(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        clock = await shop.clock()
        await shop.subscription(await shop.customer(test_clock=clock), shop.pro)
        for wrong in (NOW, NOW - DAY, NOW + 63 * DAY):
            with pytest.raises(vendor.InvalidRequestError) as told:
                await shop.advance(clock, wrong)
            assert told.value.param == "frozen_time"
        advancing = await v1.test_helpers.test_clocks.advance_async(
            clock, {"frozen_time": NOW + DAY}
        )
        assert advancing.status == "advancing"
        ready = await v1.test_helpers.test_clocks.retrieve_async(clock)
        assert (ready.status, ready.frozen_time) == ("ready", NOW + DAY)
        assert (await v1.test_helpers.test_clocks.delete_async(clock)).deleted
        assert (await v1.customers.list_async()).data == []

    play(scenario)


def test_a_trial_warns_ends_and_is_paid(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> str:
        shop = await Shop(v1).open()
        clock = await shop.clock()
        ada = await shop.customer(test_clock=clock)
        one = await shop.subscription(ada, shop.pro, trial_period_days=14)
        assert (one.status, one.trial_end) == ("trialing", NOW + 14 * DAY)
        assert (await v1.invoices.retrieve_async(one.latest_invoice)).total == 0
        assert stripe.truth("charge") == []
        await shop.advance(clock, NOW + 12 * DAY)
        assert types(stripe, one.id)[-1] == "customer.subscription.trial_will_end"
        await shop.advance(clock, NOW + 14 * DAY + 7200)
        after = await v1.subscriptions.retrieve_async(one.id, {"expand": ["latest_invoice"]})
        assert (after.status, after.latest_invoice.amount_paid) == ("active", 2900)
        assert after["items"].data[0].current_period_start == NOW + 14 * DAY
        return str(one.id)

    assert types(stripe, play(scenario)).count("customer.subscription.trial_will_end") == 1


@pytest.mark.parametrize(
    ("wish", "status", "last"),
    [
        ("cancel", "canceled", "customer.subscription.deleted"),
        ("pause", "paused", "customer.subscription.paused"),
        ("create_invoice", "past_due", "customer.subscription.updated"),
    ],
)
def test_a_trial_that_ends_without_a_method_does_what_was_wished_for(
    stripe: RunningStripe, play: Play, wish: str, status: str, last: str
) -> None:
    async def scenario(v1: Any) -> str:
        shop = await Shop(v1).open()
        clock = await shop.clock()
        ada = await shop.customer(card=None, test_clock=clock)
        settings = {"end_behavior": {"missing_payment_method": wish}}
        trial = {"trial_period_days": 2, "trial_settings": settings}
        one = await shop.subscription(ada, shop.pro, **trial)
        assert one.pending_setup_intent.startswith("seti_")
        await shop.advance(clock, NOW + 3 * DAY)
        assert (await v1.subscriptions.retrieve_async(one.id)).status == status
        return str(one.id)

    assert types(stripe, play(scenario))[-1] == last


def test_a_method_set_up_during_the_trial_pays_after_it(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        clock = await shop.clock()
        ada = await shop.customer(card=None, test_clock=clock)
        one = await shop.subscription(ada, shop.pro, trial_period_days=7)
        card = {"payment_method": "pm_card_visa"}
        await v1.setup_intents.confirm_async(one.pending_setup_intent, card)
        await shop.advance(clock, NOW + 8 * DAY)
        after = await v1.subscriptions.retrieve_async(one.id)
        assert (after.status, after.pending_setup_intent) == ("active", None)

    play(scenario)


def test_what_is_paused_is_resumed_when_it_is_paid(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> str:
        shop = await Shop(v1).open()
        clock = await shop.clock()
        ada = await shop.customer(card=None, test_clock=clock)
        settings = {"end_behavior": {"missing_payment_method": "pause"}}
        one = await shop.subscription(ada, shop.pro, trial_period_days=7, trial_settings=settings)
        with pytest.raises(vendor.InvalidRequestError, match="not paused"):
            await v1.subscriptions.resume_async(one.id)
        await shop.advance(clock, NOW + 8 * DAY)
        method = await v1.payment_methods.attach_async("pm_card_visa", {"customer": ada})
        default = {"invoice_settings": {"default_payment_method": method.id}}
        await v1.customers.update_async(ada, default)
        resumed = await v1.subscriptions.resume_async(one.id)
        assert (resumed.status, resumed.status_details) == ("active", None)
        assert resumed["items"].data[0].current_period_start == NOW + 8 * DAY
        return str(one.id)

    assert types(stripe, play(scenario))[-1] == "customer.subscription.resumed"


def test_a_trial_may_end_now(play: Play) -> None:
    async def scenario(v1: Any) -> None:
        shop = await Shop(v1).open()
        ada = await shop.customer()
        one = await shop.subscription(ada, shop.pro, trial_period_days=7)
        after = await v1.subscriptions.update_async(one.id, {"trial_end": "now"})
        assert after.status == "active"
        assert (await v1.invoices.retrieve_async(after.latest_invoice)).amount_paid == 2900

    play(scenario)


# --- cards that fail ------------------------------------------------------------------------------


async def failing(v1: Any) -> tuple[Shop, Any]:
    """A subscription whose card has stopped paying, at its first renewal."""
    shop = await Shop(v1).open()
    clock = await shop.clock()
    ada = await shop.customer(test_clock=clock)
    one = await shop.subscription(ada, shop.pro)
    fails = await v1.payment_methods.attach_async("pm_card_chargeCustomerFail", {"customer": ada})
    await v1.customers.update_async(ada, {"invoice_settings": {"default_payment_method": fails.id}})
    await shop.advance(clock, one["items"].data[0].current_period_end + 2 * 3600)
    return shop, one


def test_a_renewal_that_fails_is_tried_again_and_then_paid(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        shop, one = await failing(v1)
        late = await v1.subscriptions.retrieve_async(one.id, {"expand": ["latest_invoice"]})
        assert (late.status, late.latest_invoice.attempt_count) == ("past_due", 1)
        card = {"customer": one.customer}
        method = await v1.payment_methods.attach_async("pm_card_visa", card)
        await v1.subscriptions.update_async(one.id, {"default_payment_method": method.id})
        await shop.advance(one.test_clock, late.latest_invoice.next_payment_attempt + 60)
        paid = await v1.subscriptions.retrieve_async(one.id, {"expand": ["latest_invoice"]})
        assert (paid.status, paid.latest_invoice.attempt_count) == ("active", 2)

    play(scenario)
    assert [one["status"] for one in stripe.truth("charge")] == ["succeeded", "failed", "succeeded"]


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ("cancel", "canceled"),
        ("unpaid", "unpaid"),
        ("past_due", "past_due"),
        ("uncollectible", "active"),
    ],
)
def test_when_all_tries_have_failed_it_ends_as_the_account_is_set(
    start: Start, after: str, status: str
) -> None:
    stripe = start(retries_days=(3, 5), after_retries=after)

    async def scenario(v1: Any) -> None:
        shop, one = await failing(v1)
        await shop.advance(one.test_clock, NOW + 45 * DAY)
        last = await v1.subscriptions.retrieve_async(one.id, {"expand": ["latest_invoice"]})
        assert (last.status, last.latest_invoice.attempt_count) == (status, 3)
        assert last.latest_invoice.next_payment_attempt is None

    played(stripe, scenario)
    assert types(stripe).count("invoice.payment_failed") == 3
