"""What Stripe reports: whose it is, what to look at, and what is not believed."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest
import stripe as vendor

from staging_core.errors import InvalidCallback, InvalidSignature, PaymentsUnavailable
from staging_core.models import (
    Callback,
    PaidCustomer,
    PaidPurchase,
    PaidSubscription,
    PaymentNotice,
)

from .conftest import SECRETS, Play, Shop

FIRST, SECOND = SECRETS.split()
DAY = 86_400


def signed(body: bytes, *secrets: str, at: float | None = None) -> Callback:
    """A request that Stripe would send at that time, with the signature of each secret."""
    now = time.time()
    stamp = int(now if at is None else at)
    headers = [
        vendor.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=stamp)
        for secret in secrets
    ]
    both = ",".join([headers[0], *(header.partition(",")[2] for header in headers[1:])])
    return Callback(body=body, headers={"stripe-signature": both}, received_at=now)


def body_of(event: dict[str, Any], **changes: Any) -> bytes:
    """The event as it goes over the line."""
    return json.dumps({**event, **changes}, indent=2).encode()


async def told(shop: Shop, kind: str) -> PaymentNotice:
    """The notice of the newest event of this type."""
    body = body_of(shop.events(kind)[-1])
    return await shop.billing.receive(signed(body, FIRST))


# --- what to look at -----------------------------------------------------------------------------


def test_events_of_a_customer_name_the_customer(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        for kind in ("customer.created", "customer.updated", "payment_method.attached"):
            notice = await told(shop, kind)
            assert (notice.type, notice.kind, notice.object_id) == (kind, "customer", ada)
            assert notice.customer_id == ada
        [method] = await shop.billing.payment_methods(ada)
        await shop.billing.remove_payment_method(ada, method.id)
        notice = await told(shop, "payment_method.detached")
        assert (notice.kind, notice.object_id, notice.subject_id) == ("customer", ada, method.id)

    play(scenario)


def test_events_of_a_subscription_and_of_its_bills_name_the_subscription(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro = await shop.customer(), await shop.offer()
        one = await shop.subscribed(ada, pro)
        await shop.v1.subscriptions.cancel_async(one)
        for family in ("subscription.created", "subscription.deleted"):
            notice = await told(shop, f"customer.{family}")
            assert (notice.kind, notice.object_id, notice.customer_id) == ("subscription", one, ada)
            assert notice.subject_id == one
        for kind in ("invoice.created", "invoice.finalized", "invoice.paid"):
            notice = await told(shop, kind)
            assert (notice.kind, notice.object_id, notice.customer_id) == ("subscription", one, ada)
            [bill] = shop.stripe.objects("invoice")
            assert notice.subject_id == bill["id"]
        notice = await told(shop, "checkout.session.completed")
        assert (notice.kind, notice.object_id, notice.customer_id) == ("subscription", one, ada)

    play(scenario)


def test_a_checkout_that_nobody_paid_names_nothing(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro, pack = await shop.customer(), await shop.offer(), await shop.pack()
        await shop.v1.checkout.sessions.expire_async(await shop.checkout(ada, pro))
        notice = await told(shop, "checkout.session.expired")
        assert (notice.kind, notice.object_id, notice.customer_id) == (None, None, ada)
        session = await shop.checkout(ada, pack, "pur_2")
        await shop.v1.checkout.sessions.expire_async(session)
        notice = await told(shop, "checkout.session.expired")
        assert (notice.kind, notice.object_id, notice.customer_id) == (None, None, ada)
        assert await shop.billing.look("purchase", session) is None

    play(scenario)


def test_a_refund_and_a_dispute_are_looked_at_as_their_purchase(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pack = await shop.customer(), await shop.pack()
        intent = shop.stripe.pay(await shop.checkout(ada, pack))["payment_intent"]

        async def seen() -> PaidPurchase:
            looked = await shop.billing.look("purchase", intent)
            assert isinstance(looked, PaidPurchase)
            return looked

        await shop.v1.refunds.create_async({"payment_intent": intent, "amount": 400})
        notice = await told(shop, "charge.refunded")
        assert (notice.kind, notice.object_id, notice.customer_id) == ("purchase", intent, ada)
        assert ((await seen()).refunded_cents, (await seen()).amount_cents) == (400, 1000)
        [charge] = shop.stripe.objects("charge")
        dispute = shop.stripe.dispute(charge["id"])["id"]
        notice = await told(shop, "charge.dispute.created")
        assert (notice.kind, notice.object_id, notice.subject_id) == ("purchase", intent, dispute)
        assert (await seen()).disputed
        shop.stripe.end_dispute(dispute, "won")
        assert not (await seen()).disputed

    play(scenario)


def test_a_lost_dispute_stays_one_also_while_it_is_appealed(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pack = await shop.customer(), await shop.pack()
        intent = shop.stripe.pay(await shop.checkout(ada, pack))["payment_intent"]
        [charge] = shop.stripe.objects("charge")
        dispute = shop.stripe.dispute(charge["id"])["id"]
        for deed, disputed in [
            (lambda: shop.stripe.end_dispute(dispute, "lost"), True),
            (lambda: shop.stripe.appeal(dispute), True),
            (lambda: shop.stripe.end_dispute(dispute, "won"), False),
        ]:
            deed()
            seen = await shop.billing.look("purchase", intent)
            assert isinstance(seen, PaidPurchase)
            assert (seen.paid, seen.disputed) == (True, disputed)

    play(scenario)


@pytest.mark.parametrize(
    ("case", "taken"),
    [("chargeback", True), ("resolution", True), ("block", False), ("inquiry", False)],
)
def test_a_dispute_that_was_prevented_by_giving_the_money_back_is_one(
    play: Play, case: str, *, taken: bool
) -> None:
    """A resolution gives it back; what was blocked, or only asked about, takes nothing."""

    async def scenario(shop: Shop) -> None:
        ada, pack = await shop.customer(), await shop.pack()
        intent = shop.stripe.pay(await shop.checkout(ada, pack))["payment_intent"]
        [charge] = shop.stripe.objects("charge")
        shop.stripe.dispute(charge["id"], case=case)
        seen = await shop.billing.look("purchase", intent)
        assert isinstance(seen, PaidPurchase)
        assert seen.disputed is taken

    play(scenario)


def test_what_a_customer_is_entitled_to_is_told_and_looked_at(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro = await shop.customer(), await shop.offer()
        feature = await shop.v1.entitlements.features.create_async(
            {"name": "No watermark", "lookup_key": "no-watermark"}
        )
        attached = {"entitlement_feature": feature.id}
        await shop.v1.products.features.create_async("staging_plan_pro", attached)
        await shop.subscribed(ada, pro)
        notice = await told(shop, "entitlements.active_entitlement_summary.updated")
        assert (notice.kind, notice.object_id) == ("customer", ada)
        seen = await shop.billing.look("customer", ada)
        assert isinstance(seen, PaidCustomer)
        assert (seen.account_id, seen.features) == ("acc_ada", ("no-watermark",))

    play(scenario)


def test_events_of_nothing_that_is_kept_name_nothing(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        await shop.offer()
        for kind in ("product.created", "price.created"):
            notice = await told(shop, kind)
            assert (notice.type, notice.kind, notice.object_id) == (kind, None, None)

    play(scenario)


# --- what is not believed ------------------------------------------------------------------------


def test_any_of_the_secrets_signs_and_every_delivery_has_the_events_id(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        await shop.customer()
        event = shop.events("customer.created")[-1]
        ways = [(FIRST,), (SECOND,), ("whsec_of_somebody", SECOND)]
        for secrets in ways:
            notice = await shop.billing.receive(signed(body_of(event), *secrets))
            assert (notice.event_id, notice.created_at) == (event["id"], event["created"])

    play(scenario)


def test_what_is_forged_stale_truncated_or_unsigned_is_no_signature(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        await shop.customer()
        body, now = body_of(shop.events("customer.created")[-1]), time.time()
        good = signed(body, FIRST)
        bad = [
            signed(body, "whsec_of_somebody_else"),
            signed(body, FIRST, at=now - 301),
            signed(body, FIRST, at=now + 400),
            msgspec.structs.replace(good, body=body[:-10]),
            msgspec.structs.replace(good, body=body + b" "),
            msgspec.structs.replace(good, body=b"\xff" + body),
            msgspec.structs.replace(good, headers={}),
            msgspec.structs.replace(good, headers={"stripe-signature": "t=now,v1="}),
            msgspec.structs.replace(good, headers={"stripe-signature": ""}),
            msgspec.structs.replace(good, received_at=good.received_at + 3600),
        ]
        for callback in bad:
            with pytest.raises(InvalidSignature):
                await shop.billing.receive(callback)
        # A header that carries another time in front of the one that was signed.
        moved = f"t={int(now)}," + signed(body, FIRST, at=now - 900).headers["stripe-signature"]
        with pytest.raises(InvalidSignature):
            await shop.billing.receive(
                msgspec.structs.replace(good, headers={"stripe-signature": moved})
            )

    play(scenario)


@pytest.mark.parametrize(
    "changes",
    [
        {"livemode": True},
        {"account": "acct_of_somebody"},
        {"object": "v2.core.event"},
        {"data": None},
        {"id": 7},
    ],
)
def test_what_makes_no_sense_is_an_invalid_callback(play: Play, changes: dict[str, Any]) -> None:
    async def scenario(shop: Shop) -> None:
        await shop.customer()
        body = body_of(shop.events("customer.created")[-1], **changes)
        with pytest.raises(InvalidCallback):
            await shop.billing.receive(signed(body, FIRST))

    play(scenario)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"object": "event"}'])
def test_what_is_signed_and_no_event_is_an_invalid_callback(play: Play, body: bytes) -> None:
    async def scenario(shop: Shop) -> None:
        with pytest.raises(InvalidCallback):
            await shop.billing.receive(signed(body, FIRST))

    play(scenario)


# --- when it is asked ----------------------------------------------------------------------------


def test_there_is_nothing_where_nothing_is(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        for kind, id in (
            ("customer", "cus_nobody"),
            ("subscription", "sub_none"),
            ("purchase", "pi_none"),
            ("purchase", "cs_test_none"),
        ):
            assert await shop.billing.look(kind, id) is None  # type: ignore[arg-type]

    play(scenario)


def test_a_payment_that_is_not_ours_is_no_purchase(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro = await shop.customer(), await shop.offer()
        await shop.subscribed(ada, pro)
        [charge] = shop.stripe.objects("charge")
        assert await shop.billing.look("purchase", charge["payment_intent"]) is None
        assert not [one async for one in shop.billing.all_of("purchase", since=0)]

    play(scenario)


def test_a_customer_that_was_deleted_is_known_as_that(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada = await shop.customer()
        await shop.v1.customers.delete_async(ada)
        seen = await shop.billing.look("customer", ada)
        assert isinstance(seen, PaidCustomer)
        assert (seen.id, seen.deleted, seen.account_id) == (ada, True, None)

    play(scenario)


def test_all_of_a_kind_are_told_as_they_are_now(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        ada, pro, pack = await shop.customer(), await shop.offer(), await shop.pack()
        one = await shop.subscribed(ada, pro)
        paid = shop.stripe.pay(await shop.checkout(ada, pack, "pur_2"))
        await shop.v1.subscriptions.cancel_async(one)
        expected = (("customer", ada), ("subscription", one), ("purchase", paid["payment_intent"]))
        for kind, id in expected:
            [seen] = [each async for each in shop.billing.all_of(kind, since=0)]  # type: ignore[arg-type]
            assert seen.id == id
            assert seen == await shop.billing.look(kind, id)  # type: ignore[arg-type]
            later = shop.billing.all_of(kind, since=time.time() + DAY)  # type: ignore[arg-type]
            assert not [each async for each in later]
        ended = await shop.billing.look("subscription", one)
        assert isinstance(ended, PaidSubscription)
        assert ended.status == "canceled"

    play(scenario)


def test_one_that_is_not_understood_holds_up_no_other(play: Play) -> None:
    """Others may sell at the same account of Stripe, and Stripe has words that come later."""

    async def scenario(shop: Shop) -> None:
        pro = await shop.offer()
        page = await shop.checkout(await shop.customer("acc_ben"), pro, "pur_2")
        strange = str(shop.stripe.pay(page)["subscription"])
        known = await shop.subscribed(await shop.customer(), pro)
        assert shop.stripe.double is not None
        shop.stripe.double.account.find("subscription", strange)["status"] = "on_ice"
        seen = [one.id async for one in shop.billing.all_of("subscription", since=0)]
        assert seen == [known]
        with pytest.raises(PaymentsUnavailable):
            await shop.billing.look("subscription", strange)

    play(scenario)


def test_all_of_a_kind_are_more_than_a_page(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        made = {await shop.customer(f"acc_{number}", card=None) for number in range(101)}
        seen = [one.id async for one in shop.billing.all_of("customer", since=0)]
        assert len(seen) == 101
        assert set(seen) == made

    play(scenario)


def test_what_could_not_be_delivered_is_told(play: Play) -> None:
    async def scenario(shop: Shop) -> None:
        shop.stripe.hold_events()
        hook = {"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]}
        await shop.v1.webhook_endpoints.create_async(hook)
        ada = await shop.customer(card=None)
        await shop.offer()
        missed = [one async for one in shop.billing.missed(since=time.time() - 60)]
        assert [(one.type, one.object_id) for one in missed] == [("customer.created", ada)]
        assert not [one async for one in shop.billing.missed(since=time.time() + DAY)]

    play(scenario)
