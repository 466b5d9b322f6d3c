"""An account buys by a page or a form, changes its plan, ends it and goes on: once each."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Principal, Staging
from staging_core.database.tables import (
    customers,
    payment_objects,
    prices,
    purchases,
    subscriptions,
)
from staging_core.errors import (
    AlreadySubscribed,
    CurrencyDiffers,
    Forbidden,
    IdempotencyMismatch,
    MissingSetting,
    NoActiveSubscription,
    NotFound,
    PaymentRefused,
    PaymentsUnavailable,
    ServiceUnavailable,
    UnknownPrice,
)
from staging_core.models import Card, PaidSubscription, PaymentMethod
from staging_core.testing import FakeProvider

from .conftest import MANY, Shop

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
in_the_process = pytest.mark.parametrize("way", ["in the process"], indirect=True)


async def rows(staging: Staging, table: sa.Table) -> list[dict[str, Any]]:
    async with staging.ports.database.read() as tx:
        return [dict(row) for row in await tx.rows(sa.select(table))]


async def is_told(staging: Staging, paid: PaidSubscription, plan: str) -> None:
    """As it is written when the provider's report has been followed."""
    async with staging.ports.database.write() as tx:
        await tx.execute(sa.delete(subscriptions).where(subscriptions.c.id == paid.id))
        await tx.execute(
            sa.insert(subscriptions).values(
                id=paid.id,
                account_id=OWNER.account_id,
                source="stripe",
                plan=plan,
                price_id=paid.price_id,
                status=paid.status,
                period_start=paid.period_start,
                period_end=paid.period_end,
                created_at=tx.now,
                updated_at=tx.now,
            )
        )


@both
@in_the_process
def test_sixty_four_calls_at_one_moment_make_one_customer_and_one_subscription(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            me = staging.acting_as(OWNER)
            told = await asyncio.gather(*(me.billing.subscribe("pro_now") for _ in range(64)))
            assert len(set(told)) == 1
            assert len(provider.customers) == len(provider.subscriptions) == 1
            [customer] = await rows(staging, customers)
            assert customer["customer_id"] in provider.customers
            [purchase] = await rows(staging, purchases)
            assert (purchase["state"], purchase["object_id"]) == ("open", told[0].subscription_id)
            assert "secret" not in str(purchase)

    asyncio.run(scenario())


@both
def test_a_page_to_pay_on_is_the_same_one_until_somebody_has_paid(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            me = staging.acting_as(OWNER)
            url = await me.billing.checkout("pro_now")
            assert await me.billing.checkout("pro_now") == url
            other = await me.billing.checkout("business_now")
            assert list(provider.pages) == [other]  # only one of two plans can be paid
            provider.pay_page(other)
            with pytest.raises(AlreadySubscribed):
                await me.billing.checkout("pro_now")
            pack = await me.billing.checkout("ten_now")
            provider.pay_page(pack)
            assert len(provider.subscriptions) == len(provider.purchases) == 1

    asyncio.run(scenario())


@in_the_process
def test_a_plan_that_was_paid_is_known_however_many_pages_of_packs_came_after_it(
    shop: Shop, provider: FakeProvider
) -> None:
    """No report has come yet: what was begun is all that is known here."""

    async def scenario() -> None:
        many = {name: {"credits": 10, "price_cents": 100, "price_ids": [name]} for name in MANY}
        async with shop(packs=many) as staging:
            me = staging.acting_as(OWNER)
            provider.pay_page(await me.billing.checkout("pro_now"))
            for name in MANY:
                await me.billing.checkout(name)
            with pytest.raises(AlreadySubscribed):
                await me.billing.checkout("business_now")
            await me.billing.cancel()
            [one] = provider.subscriptions.values()
            assert one.cancel_at is not None

    asyncio.run(scenario())


@both
def test_who_asks_again_for_what_is_not_paid_yet_is_told_its_secret_of_now(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            me = staging.acting_as(OWNER)
            first = await me.billing.subscribe("pro_now", idempotency_key="one")
            assert first.client_secret
            assert first.client_secret not in repr(first)
            again = await me.billing.subscribe("pro_now")
            assert (again, again.client_secret) == (first, first.client_secret)
            provider.pay(first.subscription_id)
            with pytest.raises(AlreadySubscribed):
                await me.billing.subscribe("pro_now")
            with pytest.raises(AlreadySubscribed):
                await me.billing.subscribe("business_now")
            repeated = await me.billing.subscribe("pro_now", idempotency_key="one")
            assert (repeated.subscription_id, repeated.client_secret) == (
                first.subscription_id,
                None,
            )
            with pytest.raises(IdempotencyMismatch):
                await me.billing.subscribe("business_now", idempotency_key="one")
            assert len(provider.subscriptions) == 1
            [purchase] = await rows(staging, purchases)
            assert purchase["state"] == "done"
            due = {row["object_id"] for row in await rows(staging, payment_objects)}
            assert due == {first.subscription_id, *provider.customers}

    asyncio.run(scenario())


@both
def test_a_switch_is_the_way_up_from_the_free_plan_and_between_plans(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            me = staging.acting_as(OWNER)
            begun = await me.billing.switch("pro_now")
            assert begun.client_secret
            await is_told(staging, provider.pay(begun.subscription_id), "pro")
            dearer = await me.billing.switch("business_now")
            assert dearer.subscription_id == begun.subscription_id
            assert dearer.client_secret
            assert provider.subscriptions[begun.subscription_id].price_id == "pro_now"
            await is_told(staging, provider.pay(begun.subscription_id), "business")
            cheaper = await me.billing.switch("pro_now")
            assert cheaper.client_secret is None
            assert provider.subscriptions[begun.subscription_id].price_id == "pro_now"
            assert len(provider.subscriptions) == 1

    asyncio.run(scenario())


@both
def test_a_plan_ends_with_its_period_and_may_go_on(shop: Shop, provider: FakeProvider) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(NoActiveSubscription):
                await me.billing.cancel()
            with pytest.raises(NoActiveSubscription):
                await me.billing.resume()
            begun = await me.billing.subscribe("pro_now")
            with pytest.raises(NoActiveSubscription):
                await me.billing.cancel()
            paid = provider.pay(begun.subscription_id)
            for _ in range(2):
                await me.billing.cancel()
                assert provider.subscriptions[paid.id].cancel_at == paid.period_end
                await me.billing.resume()
                assert provider.subscriptions[paid.id].cancel_at is None
            await is_told(staging, paid, "pro")
            provider.end(paid.id)
            for change in (me.billing.cancel, me.billing.resume):
                with pytest.raises(NoActiveSubscription, match="ended"):
                    await change()
            with pytest.raises(NoActiveSubscription, match="ended"):
                await me.billing.switch("business_now")

    asyncio.run(scenario())


@both
def test_what_is_not_sold_here_is_refused_and_nothing_changes(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            async with staging.ports.database.write() as tx:
                for price_id, cents, currency in (
                    ("pro_made", 2900, "usd"),
                    ("pro_cheap", 1900, "usd"),
                    ("pro_euro", 2900, "eur"),
                ):
                    await tx.execute(
                        sa.insert(prices).values(
                            source="stripe",
                            price_id=price_id,
                            kind="plan",
                            code="pro",
                            amount_cents=cents,
                            currency=currency,
                            created_at=tx.now,
                        )
                    )
            me = staging.acting_as(OWNER)
            for price_id in ("price_of_others", "pro_before", "pro_cheap", "pro_euro"):
                for buy in (me.billing.checkout, me.billing.subscribe, me.billing.switch):
                    with pytest.raises(UnknownPrice):
                        await buy(price_id)
            for buy in (me.billing.subscribe, me.billing.switch):
                with pytest.raises(UnknownPrice, match="pack"):
                    await buy("ten_now")
            assert set(provider.calls) <= {"unfit"}  # as it is asked at the start
            assert await rows(staging, customers) == await rows(staging, purchases) == []
            begun = await me.billing.subscribe("pro_made")
            await is_told(staging, provider.pay(begun.subscription_id), "pro")
            with pytest.raises(CurrencyDiffers, match="pays in usd, this price is in eur"):
                await me.billing.switch("euro_now")
            assert provider.subscriptions[begun.subscription_id].price_id == "pro_made"

    asyncio.run(scenario())


@both
def test_ways_to_pay_and_bills_are_the_accounts_own(shop: Shop, provider: FakeProvider) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            me = staging.acting_as(OWNER)
            other = staging.acting_as(Principal(account_id="other"))
            assert await me.billing.payment_methods() == []
            assert await me.billing.invoices() == []
            with pytest.raises(NotFound):
                await me.billing.remove_payment_method("pm_1")
            url = await me.billing.portal()
            [customer_id] = provider.customers
            assert url.endswith(customer_id)
            card = Card(brand="visa", last4="4242", exp_month=12, exp_year=2030)
            provider.methods[customer_id] = [
                PaymentMethod(id="pm_1", type="card", card=card, is_default=True),
                PaymentMethod(id="pm_2", type="sepa_debit"),
            ]
            await me.billing.choose_payment_method("pm_2")
            told = await me.billing.payment_methods()
            assert [(one.id, one.is_default) for one in told] == [("pm_2", True), ("pm_1", False)]
            assert told[1].card == card
            for wrong in (other.billing.choose_payment_method, other.billing.remove_payment_method):
                with pytest.raises(NotFound):
                    await wrong("pm_1")
            await me.billing.remove_payment_method("pm_1")
            assert [one.id for one in await me.billing.payment_methods()] == ["pm_2"]
            for _ in range(3):
                provider.pay_page(await me.billing.checkout("ten_now"))
                async with staging.ports.database.write() as tx:
                    await tx.execute(sa.update(purchases).values(state="done"))
            bills = await me.billing.invoices(limit=2, offset=1)
            assert [bill.number for bill in bills] == ["F-2", "F-1"]
            assert bills == provider.bills[customer_id][1::-1]
            assert await other.billing.invoices() == []
            assert (await me.profile.get()).stripe_customer_id == customer_id
            assert (await other.profile.get()).stripe_customer_id is None

    asyncio.run(scenario())


@in_the_process
def test_who_may_only_read_buys_nothing(shop: Shop, provider: FakeProvider) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            reader = Principal(account_id="local", scopes=frozenset({"billing:read"}))
            me = staging.acting_as(reader)
            assert await me.billing.payment_methods() == []
            for call in (me.billing.checkout, me.billing.subscribe, me.billing.switch):
                with pytest.raises(Forbidden):
                    await call("pro_now")
            for change in (me.billing.cancel, me.billing.resume, me.billing.portal):
                with pytest.raises(Forbidden):
                    await change()
            assert set(provider.calls) <= {"unfit"}  # as it is asked at the start

    asyncio.run(scenario())


def test_without_a_provider_nothing_is_bought(shop: Shop, provider: FakeProvider) -> None:
    async def scenario() -> None:
        async with shop(billing="plans:") as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(ServiceUnavailable, match="not configured"):
                await me.billing.subscribe("pro_now")
            with pytest.raises(ServiceUnavailable, match="not configured"):
                await me.billing.cancel()
            assert await me.billing.invoices() == []
        assert set(provider.calls) <= {"unfit"}  # as it is asked at the start

    asyncio.run(scenario())


@in_the_process
def test_where_pages_would_lead_back_to_nowhere_nothing_starts(shop: Shop) -> None:
    async def opens(**settings: Any) -> None:
        async with shop(public_url=None, **settings):
            pass

    async def scenario() -> None:
        with pytest.raises(MissingSetting) as missing:
            await opens()
        assert "STAGING_BILLING_RETURN_URL" in (missing.value.remedy or "")
        await opens(billing_return_url="https://studio.example/account")
        await opens(billing="plans:")
        await opens(plans={"free": {"images": 10}}, packs={})  # nothing is sold
        async with shop(public_url=None, role="tool"):
            pass  # who sits at the machine can look at it

    asyncio.run(scenario())


@both
@in_the_process
def test_what_the_provider_refuses_is_over_and_may_be_tried_anew(
    shop: Shop, provider: FakeProvider
) -> None:
    async def scenario() -> None:
        async with shop() as staging:
            me = staging.acting_as(OWNER)
            provider.fail("subscribe", "refused")
            with pytest.raises(PaymentRefused):
                await me.billing.subscribe("pro_now")
            provider.fail("subscribe", "busy")
            with pytest.raises(PaymentsUnavailable):
                await me.billing.subscribe("pro_now")
            provider.fail("subscribe", "answer lost")
            with pytest.raises(PaymentsUnavailable):
                await me.billing.subscribe("pro_now")
            begun = await me.billing.subscribe("pro_now")
            assert list(provider.subscriptions) == [begun.subscription_id]
            states = sorted(row["state"] for row in await rows(staging, purchases))
            assert states == ["open", "refused"]

    asyncio.run(scenario())
