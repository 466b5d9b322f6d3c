"""What an account began to buy and then chose otherwise is not asked for again behind its back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Staging
from staging_core.acting.billing import Billing
from staging_core.database.tables import customers, payment_objects, purchases, subscriptions
from staging_core.errors import (
    AlreadySubscribed,
    PaymentRefused,
    PaymentsUnavailable,
    StagingError,
)
from staging_core.payments.following import Following
from staging_core.payments.unfinished import Unfinished
from staging_core.testing import FakeProvider

from .conftest import AMOUNTS, PLANS, Shop
from .test_interrupted_purchases import Crash, Cut, CutBilling, CutDatabase

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
pytestmark = pytest.mark.parametrize("way", ["in the process"], indirect=True)

PRICES = {**AMOUNTS, "small_now": 900}
SOLD = {
    **PLANS,
    "small": {"images": 50, "price_cents": 900, "price_ids": ["small_now"]},
    "pro": {**PLANS["pro"], "trial_days": 14},
}


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(PRICES)


async def states(staging: Staging) -> list[tuple[str, str, str]]:
    async with staging.ports.database.read() as tx:
        rows = await tx.rows(sa.select(purchases).order_by(purchases.c.created_at))
    return [(row["deed"], row["code"], row["state"]) for row in rows]


async def sweep(staging: Staging, times: int = 2) -> None:
    for _ in range(times):
        await Unfinished(staging.ports, grace_s=0.0).settle()
        await Following(staging.ports).follow()


async def pays_for_a_small_plan(staging: Staging, provider: FakeProvider) -> str:
    begun = await staging.acting_as(OWNER).billing.subscribe("small_now")
    provider.pay(begun.subscription_id)
    await sweep(staging, 1)
    [customer] = provider.customers
    provider.new_card(customer)
    provider.calls.clear()
    return begun.subscription_id


@both
@pytest.mark.parametrize("then", ["another", "cancel"])
def test_an_upgrade_that_was_lost_is_not_made_after_the_account_has_chosen_otherwise(
    shop: Shop, provider: FakeProvider, then: str
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            begun = await pays_for_a_small_plan(staging, provider)
            provider.fail("switch", "away")
            with pytest.raises(PaymentsUnavailable):
                await me.billing.switch("business_now")
            if then == "another":
                await me.billing.switch("pro_now")
            else:
                await me.billing.cancel()
            await sweep(staging)
            assert provider.calls.count("switch") == 1 + (then == "another")
            price = "pro_now" if then == "another" else "small_now"
            assert provider.subscriptions[begun].price_id == price
            assert ("switch", "business", "over") in await states(staging)

    asyncio.run(scenario())


@both
def test_a_change_that_was_made_though_nobody_knew_and_then_undone_is_over(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            begun = await pays_for_a_small_plan(staging, provider)
            provider.fail("switch", "answer lost")
            with pytest.raises(PaymentsUnavailable):
                await me.billing.switch("business_now")
            await me.billing.switch("small_now")
            await me.billing.switch("business_now")  # and once more: not under the old key
            assert provider.subscriptions[begun].price_id == "business_now"
            await me.billing.switch("small_now")
            await sweep(staging)
            assert provider.subscriptions[begun].price_id == "small_now"
            told = await states(staging)
            assert {state for _, _, state in told} <= {"done", "over"}

    asyncio.run(scenario())


@both
def test_a_plan_that_ends_at_the_provider_is_not_changed_by_what_was_lost_before(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            begun = await pays_for_a_small_plan(staging, provider)
            provider.fail("switch", "away")
            with pytest.raises(PaymentsUnavailable):
                await staging.acting_as(OWNER).billing.switch("business_now")
            provider.ending(begun, ends=True)  # on the provider's own page
            await sweep(staging)
            assert provider.subscriptions[begun].price_id == "small_now"

    asyncio.run(scenario())


@both
def test_a_trial_that_was_lost_does_not_begin_beside_another_plan(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            provider.fail("subscribe", "away")
            with pytest.raises(PaymentsUnavailable):
                await me.billing.subscribe("pro_now")
            begun = await me.billing.subscribe("business_now")
            provider.pay(begun.subscription_id)
            await sweep(staging)
            assert list(provider.subscriptions) == [begun.subscription_id]
            assert await states(staging) == [
                ("subscribe", "pro", "over"),
                ("subscribe", "business", "done"),
            ]

    asyncio.run(scenario())


@both
def test_what_was_lost_is_not_begun_for_an_account_that_pays_by_now(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            await pays_for_a_small_plan(staging, provider)
            async with staging.ports.database.write() as tx:
                await tx.execute(sa.update(purchases).values(state="begun", id="lost"))
            await sweep(staging)
            assert provider.calls.count("subscribe") == 0
            assert len(provider.subscriptions) == 1

    asyncio.run(scenario())


# --- two ways to pay ------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("first", ["checkout", "subscribe"])
@pytest.mark.parametrize("then", ["checkout", "subscribe"])
def test_of_two_ways_to_pay_only_the_last_one_is_open(
    shop: Shop, provider: FakeProvider, first: str, then: str
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            pack = await me.billing.checkout("ten_now")
            await getattr(me.billing, first)("small_now")
            await getattr(me.billing, then)("business_now")
            pages = [offer.price_id for _, offer, _ in provider.pages.values()]
            forms = provider.subscriptions.values()
            waiting = [one.price_id for one in forms if one.status == "incomplete"]
            assert pages + waiting == ["ten_now", "business_now"]
            await sweep(staging)
            assert [(deed, code, state) for deed, code, state in await states(staging)] == [
                ("checkout", "ten", "open"),
                (first, "small", "over"),
                (then, "business", "open"),
            ]
            provider.pay_page(pack)

    asyncio.run(scenario())


@both
def test_what_is_paid_while_another_begins_is_had_and_the_other_is_not_begun(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            page = await me.billing.checkout("small_now")
            withdrawn = provider.withdrawn

            def paid_first(*whose: str) -> Any:
                if page in provider.pages:
                    provider.pay_page(page)
                return withdrawn(*whose)

            provider.withdrawn = paid_first  # type: ignore[method-assign]
            with pytest.raises(AlreadySubscribed):
                await me.billing.subscribe("business_now")
            await sweep(staging)
            assert paid(provider) == ["small_now"]
            assert [state for *_, state in await states(staging)] == ["done", "over"]

    asyncio.run(scenario())


@both
def test_a_purchase_that_is_overtaken_while_it_is_asked_for_is_taken_back(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            begin, others = provider.new_subscription, []

            def slowly(customer_id: str, offer: Any, purchase_id: str) -> Any:
                made = begin(customer_id, offer, purchase_id)
                if offer.price_id == "small_now":
                    others.append(asyncio.ensure_future(me.billing.checkout("business_now")))
                return made

            provider.new_subscription = slowly  # type: ignore[method-assign]
            answers = await asyncio.gather(
                me.billing.subscribe("small_now"), return_exceptions=True
            )
            await asyncio.gather(*others)
            await sweep(staging)
            assert len(provider.pages) == 1, answers
            [small] = provider.subscriptions.values()
            assert small.status == "incomplete_expired"

    asyncio.run(scenario())


@both
def test_of_many_that_begin_at_one_moment_one_at_most_can_be_paid(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            for seed in range(6):
                await clean(staging, provider)
                chance = Random(seed)  # noqa: S311 - to be repeated
                calls = [
                    getattr(me.billing, chance.choice(("checkout", "subscribe", "switch")))(
                        chance.choice(("small_now", "business_now", "ten_now"))
                    )
                    for _ in range(12)
                ]
                answers = await asyncio.gather(*calls, return_exceptions=True)
                unexpected = [one for one in answers if isinstance(one, Exception)]
                assert all(isinstance(one, StagingError) for one in unexpected), unexpected
                await sweep(staging, 3)
                pages = [one for one in provider.pages.values() if one[1].kind == "plan"]
                forms = [one.status for one in provider.subscriptions.values()]
                assert len(pages) + forms.count("incomplete") <= 1, seed
                left = [state for *_, state in await states(staging)]
                assert set(left) <= {"open", "over", "refused"}, seed

    asyncio.run(scenario())


@both
def test_while_the_other_way_to_pay_cannot_be_closed_none_is_opened(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            page = await me.billing.checkout("small_now")
            provider.fail("withdraw", "away")
            with pytest.raises(PaymentsUnavailable):
                await me.billing.checkout("business_now")
            assert list(provider.pages) == [page]
            again = await me.billing.checkout("business_now")
            assert list(provider.pages) == [again]

    asyncio.run(scenario())


@both
def test_a_page_that_is_open_stays_known_when_the_other_way_to_pay_is_not_let_close(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me = staging.acting_as(OWNER)
            provider.fail("checkout", "away")
            with pytest.raises(PaymentsUnavailable):
                await me.billing.checkout("small_now")
            page = await me.billing.checkout("business_now")
            provider.fail("withdraw", "refused")
            with pytest.raises(PaymentRefused):
                await me.billing.checkout("business_now")
            assert ("checkout", "business", "open") in await states(staging)
            assert await me.billing.checkout("business_now") == page
            assert list(provider.pages) == [page]

    asyncio.run(scenario())


# --- two purchases at once, one of them cut -------------------------------------------------------


async def cut_short(staging: Staging, price: str, deed: str, at: int) -> bool:
    """Whether the process died on the way; what is refused is refused."""
    cut = Cut(at)
    ports = replace(
        staging.ports,
        database=CutDatabase(staging.ports.database, cut),  # type: ignore[arg-type]
        billing=CutBilling(staging.ports.billing, cut),  # type: ignore[arg-type]
    )
    try:
        await getattr(Billing(ports, OWNER), deed)(price)
    except Crash:
        return True
    except StagingError:
        return False
    return False


async def clean(staging: Staging, provider: FakeProvider) -> None:
    async with staging.ports.database.write() as tx:
        for table in (customers, purchases, payment_objects, subscriptions):
            await tx.execute(sa.delete(table))
    provider.__init__(PRICES)  # type: ignore[misc]


def paid(provider: FakeProvider) -> list[str]:
    given: list[Any] = list(provider.subscriptions.values())
    return [one.price_id for one in given if one.status in ("active", "trialing")]


@pytest.mark.parametrize("deed", ["checkout", "subscribe"])
@both
def test_of_two_purchases_of_which_one_is_cut_anywhere_the_second_is_had(
    shop: Shop, provider: FakeProvider, deed: str
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me, at, died = staging.acting_as(OWNER), 0, True
            while died:
                at += 1
                await clean(staging, provider)
                died = await cut_short(staging, "small_now", deed, at)
                begun = await me.billing.subscribe("business_now")
                provider.pay(begun.subscription_id)
                await sweep(staging)
                assert paid(provider) == ["business_now"], at
                told = await states(staging)
                assert told[-1] == ("subscribe", "business", "done"), at
                assert {state for *_, state in told[:-1]} <= {"over"}, at
            assert at > 6

    asyncio.run(scenario())


@both
def test_of_two_purchases_of_which_the_second_is_cut_anywhere_one_is_had(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop(plans=SOLD) as staging:
            me, at, died = staging.acting_as(OWNER), 0, True
            while died:
                at += 1
                await clean(staging, provider)
                provider.fail("subscribe", "away")
                with pytest.raises(PaymentsUnavailable):
                    await me.billing.subscribe("pro_now")  # a trial: it is had as soon as it begins
                died = await cut_short(staging, "business_now", "subscribe", at)
                await sweep(staging)
                assert len(paid(provider)) <= 1, at
                told = await states(staging)
                assert {state for *_, state in told} <= {"open", "done", "over"}, at
                if len(told) == 2:
                    assert paid(provider) == [], at
                    again = await me.billing.subscribe("business_now")
                    provider.pay(again.subscription_id)
                    await sweep(staging)
                    assert paid(provider) == ["business_now"], at
            assert at > 6

    asyncio.run(scenario())
