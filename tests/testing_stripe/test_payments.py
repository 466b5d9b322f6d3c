"""Intents, charges, refunds and disputes: who pays, who does not, and who gets it back."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as vendor

from staging_core.testing.stripe import RunningStripe

from .conftest import Play, Shop, types

DUE = {"amount": 900, "currency": "usd"}


def test_an_intent_that_is_confirmed_takes_the_money_once(
    stripe: RunningStripe, play: Play
) -> None:
    async def scenario(v1: Any) -> None:
        made = await v1.payment_intents.create_async(DUE)
        assert (made.status, made.latest_charge) == ("requires_payment_method", None)
        paid = await v1.payment_intents.confirm_async(made.id, {"payment_method": "pm_card_visa"})
        assert (paid.status, paid.amount_received) == ("succeeded", 900)
        with pytest.raises(vendor.InvalidRequestError) as told:
            await v1.payment_intents.confirm_async(made.id, {"payment_method": "pm_card_visa"})
        assert told.value.code == "payment_intent_unexpected_state"
        with pytest.raises(vendor.InvalidRequestError):
            await v1.payment_intents.cancel_async(made.id)

    play(scenario)
    (charge,) = stripe.truth("charge")
    assert (charge["amount"], charge["status"]) == (900, "succeeded")
    assert types(stripe) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ],
)
def test_a_card_that_declines_says_why_and_another_may_be_tried(
    stripe: RunningStripe, play: Play, card: str, code: str, decline_code: str | None
) -> None:
    async def scenario(v1: Any) -> None:
        made = await v1.payment_intents.create_async(DUE)
        with pytest.raises(vendor.CardError) as told:
            await v1.payment_intents.confirm_async(made.id, {"payment_method": card})
        told_of = told.value.json_body["error"]
        assert (told.value.http_status, told_of["code"]) == (402, code)
        assert told_of.get("decline_code") == decline_code
        error = told.value.error
        assert error.payment_intent.last_payment_error.code == code
        paid = await v1.payment_intents.confirm_async(made.id, {"payment_method": "pm_card_visa"})
        assert paid.status == "succeeded"

    play(scenario)
    assert [one["status"] for one in stripe.truth("charge")] == ["failed", "succeeded"]


def test_a_card_may_ask_its_holder(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        card = {"payment_method": "pm_card_authenticationRequired", "confirm": True}
        asked = await v1.payment_intents.create_async({**DUE, **card})
        assert asked.status == "requires_action"
        assert stripe.truth("charge") == []
        assert stripe.authenticate(asked.id, well=False)["status"] == "requires_payment_method"
        again = {"payment_method": "pm_card_authenticationRequired"}
        await v1.payment_intents.confirm_async(asked.id, again)
        assert stripe.authenticate(asked.id)["status"] == "succeeded"
        with pytest.raises(vendor.CardError) as told:
            await v1.payment_intents.create_async({**DUE, **card, "off_session": True})
        assert told.value.code == "authentication_required"

    play(scenario)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (0, "usd", "parameter_invalid_integer"),
        (-5, "usd", "parameter_invalid_integer"),
        (49, "usd", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (900, "xyz", None),
    ],
)
def test_an_amount_that_cannot_be_charged_is_refused(
    stripe: RunningStripe, play: Play, amount: int, currency: str, code: str | None
) -> None:
    async def scenario(v1: Any) -> None:
        with pytest.raises(vendor.InvalidRequestError) as told:
            await v1.payment_intents.create_async({"amount": amount, "currency": currency})
        assert told.value.code == code

    play(scenario)
    assert stripe.objects("payment_intent") == []


def test_a_setup_intent_saves_a_method(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        ada = await Shop(v1).customer(card=None)
        made = await v1.setup_intents.create_async({"customer": ada})
        card = {"payment_method": "pm_card_chargeDeclined"}
        with pytest.raises(vendor.CardError):
            await v1.setup_intents.confirm_async(made.id, card)
        done = await v1.setup_intents.confirm_async(made.id, {"payment_method": "pm_card_visa"})
        assert done.status == "succeeded"
        listed = await v1.customers.payment_methods.list_async(ada)
        assert [one.id for one in listed.data] == [done.payment_method]

    play(scenario)


def test_refunds_never_give_back_more_than_was_paid(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        card = {"payment_method": "pm_card_visa", "confirm": True}
        paid = await v1.payment_intents.create_async({**DUE, **card})
        of = {"payment_intent": paid.id}
        part = await v1.refunds.create_async({**of, "amount": 300, "metadata": {"why": "late"}})
        assert (part.amount, part.status) == (300, "succeeded")
        with pytest.raises(vendor.InvalidRequestError, match="greater than unrefunded"):
            await v1.refunds.create_async({**of, "amount": 601})
        await v1.refunds.create_async(of)
        with pytest.raises(vendor.InvalidRequestError) as told:
            await v1.refunds.create_async(of)
        assert told.value.code == "charge_already_refunded"
        charge = await v1.charges.retrieve_async(paid.latest_charge)
        assert (charge.amount_refunded, charge.refunded) == (900, True)
        assert len((await v1.refunds.list_async({"charge": charge.id})).data) == 2
        unpaid = await v1.payment_intents.create_async(DUE)
        with pytest.raises(vendor.InvalidRequestError, match="does not have a successful charge"):
            await v1.refunds.create_async({"payment_intent": unpaid.id})

    play(scenario)
    assert [one["amount"] for one in stripe.truth("refund")] == [300, 600]
    assert types(stripe).count("charge.refunded") == 2


def test_a_dispute_withdraws_the_money_until_it_is_won(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        card = {"payment_method": "pm_card_visa", "confirm": True}
        paid = await v1.payment_intents.create_async({**DUE, **card})
        dispute = stripe.dispute(paid.latest_charge)["id"]
        with pytest.raises(vendor.InvalidRequestError) as told:
            await v1.refunds.create_async({"payment_intent": paid.id})
        assert told.value.code == "charge_disputed"
        evidence = {"evidence": {"uncategorized_text": "It was staged."}, "submit": True}
        handed_in = await v1.disputes.update_async(dispute, evidence)
        assert handed_in.status == "under_review"
        assert stripe.end_dispute(dispute, "won")["status"] == "won"
        with pytest.raises(ValueError, match="already closed"):
            stripe.end_dispute(dispute, "lost")

    play(scenario)
    assert [one for one in types(stripe) if "dispute" in one] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]


def test_a_merchant_may_give_in_and_appeal(stripe: RunningStripe, play: Play) -> None:
    async def scenario(v1: Any) -> None:
        card = {"payment_method": "pm_card_createDispute", "confirm": True}
        await v1.payment_intents.create_async({**DUE, **card})
        (dispute,) = (await v1.disputes.list_async()).data
        assert (await v1.disputes.close_async(dispute.id)).status == "lost"
        assert stripe.appeal(dispute.id)["status"] == "appeal_needs_response"
        with pytest.raises(ValueError, match="can be appealed"):
            stripe.appeal(dispute.id)
        assert stripe.end_dispute(dispute.id, "won")["status"] == "won"

    play(scenario)


@pytest.mark.parametrize(
    ("case", "status", "moves"),
    [
        ("inquiry", "warning_needs_response", False),
        ("resolution", "prevented", True),
        ("block", "prevented", False),
    ],
)
def test_a_dispute_that_is_no_chargeback(
    stripe: RunningStripe, play: Play, case: str, status: str, *, moves: bool
) -> None:
    async def scenario(v1: Any) -> None:
        card = {"payment_method": "pm_card_visa", "confirm": True}
        paid = await v1.payment_intents.create_async({**DUE, **card})
        stripe.dispute(paid.latest_charge, case=case)
        (dispute,) = (await v1.disputes.list_async({"payment_intent": paid.id})).data
        assert dispute.status == status
        assert dispute.payment_method_details.card.case_type == case

    play(scenario)
    assert ("charge.dispute.funds_withdrawn" in types(stripe)) is moves
