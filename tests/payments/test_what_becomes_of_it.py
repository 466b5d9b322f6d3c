"""What a provider says of customers, plans and packs is what accounts have."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from staging_core.acting import Images
from staging_core.database import ledger, tables
from staging_core.models import Principal
from staging_core.payments.comparison import Comparison
from staging_core.payments.following import Following

from .counter import PLANS, Counter, open_counter

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
Scenario = Callable[[Counter], Awaitable[None]]


def at_the_counter(database: dict[str, Any], scenario: Scenario, **choices: Any) -> None:
    async def run() -> None:
        async with open_counter(**database, **choices) as counter:
            await scenario(counter)

    asyncio.run(run())


@both
def test_a_paid_subscription_gives_its_plan_in_its_period(database: dict[str, Any]) -> None:
    async def scenario(at: Counter) -> None:
        at.shop.subscription(at.shop.customer("local"))
        await at.deliver(*at.shop.events)
        await at.follow()
        standing = await at.shop.standing("local")
        assert (standing.plan_code, standing.subscribed, standing.allowance) == ("pro", True, 100)
        [row] = await at.rows(tables.subscriptions)
        assert (standing.period.start, standing.period.end) == (
            row["period_start"],
            row["period_end"],
        )
        assert "never kept" not in repr(await at.rows(tables.payment_objects))
        await at.is_as_at_the_shop()

    at_the_counter(database, scenario)


@both
def test_what_is_not_paid_gives_nothing_and_more_comes_with_its_payment(
    database: dict[str, Any],
) -> None:
    async def scenario(at: Counter) -> None:
        sub = at.shop.subscription(at.shop.customer("local"), status="incomplete")
        await at.deliver(*at.shop.events)
        await at.follow()
        assert (await at.shop.standing("local")).plan_code == "free"
        for values, allowance in [
            ({"status": "active"}, 100),
            ({"price_id": "price_business"}, 500),
            ({"price_id": "price_pro"}, 500),  # what the period had, it keeps
        ]:
            at.shop.change(sub, **values)
            await at.deliver(at.shop.events[-1])
            await at.follow()
            assert (await at.shop.standing("local")).allowance == allowance
        assert (await at.shop.standing("local")).plan_code == "pro"
        await at.is_as_at_the_shop()

    at_the_counter(database, scenario)


@both
def test_a_pack_is_given_once_however_often_it_is_told(database: dict[str, Any]) -> None:
    async def scenario(at: Counter) -> None:
        at.shop.purchase(at.shop.customer("local"))
        assert await at.deliver(*at.shop.events * 3) == ["received"] * 2 + ["duplicate"] * 4
        await at.follow()
        await at.settle()
        assert await at.credits() == 10
        await at.is_as_at_the_shop()

    at_the_counter(database, scenario)


@both
def test_money_that_goes_back_takes_back_what_is_still_there_and_no_more(
    database: dict[str, Any],
) -> None:
    async def scenario(at: Counter) -> None:
        pack = at.shop.purchase(at.shop.customer("local"))

        async def after(**values: Any) -> int:
            at.shop.change(pack, **values)
            await at.deliver(*at.shop.events)
            await at.follow()
            await at.settle()
            return await at.credits()

        assert await after() == 10
        assert await after(refunded_cents=299) == 8  # two of 2.99: a part stays the customer's
        async with at.house.ports.database.write() as tx:
            await ledger.adjust(tx, "local", -5, id="used-elsewhere")
        assert await after(disputed=True) == 0  # three of the eight that are asked for
        assert await after(disputed=False) == 3  # the bank gave them back
        assert await after(refunded_cents=1000) == 0
        bought_again = at.shop.purchase("cus_0")
        assert bought_again
        assert await after() == 10  # what was not there is not asked for again
        await at.is_as_at_the_shop()

    at_the_counter(database, scenario)


@both
def test_credits_that_jobs_hold_while_their_money_goes_back_are_not_had_for_nothing(
    database: dict[str, Any],
) -> None:
    async def scenario(at: Counter) -> None:
        pack = at.shop.purchase(at.shop.customer("local"))

        async def after(**values: Any) -> int:
            at.shop.change(pack, **values)
            await at.deliver(*at.shop.events)
            await at.follow()
            return await at.credits()

        assert await after() == 10
        ordered = [await at.house.submit(idempotency_key=f"order-{number}") for number in range(10)]
        me = Images(at.house.ports, Principal(account_id="local"))
        assert await after(refunded_cents=500) == 0  # five are asked for, and all are held
        for group in ordered[:3]:
            await me.cancel(group.images[0].id)
        assert await at.credits() == 0
        assert await after(refunded_cents=0) == 3  # the refund failed, and its money is here again
        assert await after(refunded_cents=500) == 0  # these three, and two that are held
        while await at.house.step():
            pass  # seven become pictures: they were used, and two of them for nothing
        assert await at.credits() == 0
        again = at.shop.purchase("cus_0")
        assert again
        assert await after() == 10
        await at.is_as_at_the_shop()

    plans = {**PLANS, "free": {"images": 0}}
    at_the_counter(database, scenario, plans=plans)


@both
def test_what_is_of_an_unknown_customer_waits_for_it(database: dict[str, Any]) -> None:
    async def scenario(at: Counter) -> None:
        customer = at.shop.customer("later")
        at.shop.purchase(customer)
        await at.deliver(at.shop.events[1])
        await at.follow()
        assert await at.credits("later") == 0
        at.house.clock.ahead += 3 * 86_400
        await at.follow()
        assert await at.rows(tables.customers) == []
        await at.account("later")
        at.house.clock.ahead += 86_400
        await at.follow()
        assert await at.credits("later") == 10
        await at.is_as_at_the_shop()

    at_the_counter(database, scenario)


def test_a_customer_that_names_an_account_of_another_customer_is_refused() -> None:
    async def scenario(at: Counter) -> None:
        at.shop.customer("local")
        await at.deliver(*at.shop.events)
        await at.follow()
        at.shop.purchase(at.shop.customer("local", "cus_thief"))
        await at.deliver(*at.shop.events)
        await at.follow()
        await at.settle()
        assert [row["customer_id"] for row in await at.rows(tables.customers)] == ["cus_0"]
        assert await at.credits() == 0
        refused = await at.rows(tables.audit_log)
        assert [row["action"] for row in refused] == ["billing.customer_refused"]

    at_the_counter({}, scenario)


def test_an_account_whose_customer_is_deleted_has_no_plan_and_may_have_another_customer() -> None:
    async def scenario(at: Counter) -> None:
        customer = at.shop.customer("local")
        at.shop.subscription(customer)
        await at.deliver(*at.shop.events)
        await at.follow()
        at.shop.delete_customer(customer)
        deletion = next(each for each in at.shop.events if each.type == "customer.deleted")
        await at.deliver(deletion)  # what became of its subscription is never told
        await at.follow()
        assert (await at.shop.standing("local")).plan_code == "free"
        at.shop.subscription(at.shop.customer("local", "cus_second"))
        await at.deliver(*at.shop.events)
        await at.follow()
        assert (await at.shop.standing("local")).plan_code == "pro"
        await at.is_as_at_the_shop()

    at_the_counter({}, scenario)


def test_a_price_that_is_none_of_ours_gives_no_plan_and_an_operator_is_told() -> None:
    async def scenario(at: Counter) -> None:
        customer = at.shop.customer("local")
        at.shop.subscription(customer, "price_strange")
        at.shop.purchase(customer, price_id="price_strange")
        await at.deliver(*at.shop.events)
        await at.follow()
        await at.settle()
        [row] = await at.rows(tables.subscriptions)
        assert (row["price_id"], row["plan"]) == ("price_strange", "")
        assert (await at.shop.standing("local")).plan_code == "free"
        assert await at.credits() == 0
        told = [row["action"] for row in await at.rows(tables.audit_log)]
        assert told == ["billing.price_unknown"] * 2

    at_the_counter({}, scenario)


def test_a_state_that_was_read_earlier_never_overwrites_a_later_one() -> None:
    async def scenario(at: Counter) -> None:
        sub = at.shop.subscription(at.shop.customer("local"))
        await at.deliver(*at.shop.events)
        await at.follow()
        read, go_on = asyncio.Event(), asyncio.Event()
        look = at.shop.look

        async def slowly(*args: Any) -> Any:
            seen = await look(*args)
            read.set()
            await go_on.wait()
            return seen

        at.shop.change(sub, cancel_at=at.house.clock() + 5)
        await at.deliver(at.shop.events[-1])
        at.shop.look = slowly  # type: ignore[assignment, method-assign]
        slow = asyncio.create_task(Following(at.house.ports).follow())
        await read.wait()
        at.shop.look = look  # type: ignore[method-assign]
        at.shop.change(sub, status="canceled")
        await at.deliver(at.shop.events[-1])
        at.house.clock.ahead += 1000  # the lease is over
        await at.follow()
        go_on.set()
        assert await slow == 0
        await at.follow()
        [row] = await at.rows(tables.subscriptions)
        assert row["status"] == "canceled"
        await at.is_as_at_the_shop()

    at_the_counter({}, scenario)


def test_what_is_told_while_it_is_looked_at_is_looked_at_again() -> None:
    async def scenario(at: Counter) -> None:
        sub = at.shop.subscription(at.shop.customer("local"))
        await at.deliver(*at.shop.events)
        look: Any = at.shop.look

        async def meanwhile(*args: Any) -> Any:
            seen = await look(*args)
            if args[1] == sub and seen.price_id == "price_pro":
                at.shop.change(sub, price_id="price_business")
                await at.deliver(at.shop.events[-1])
            return seen

        at.shop.look = meanwhile  # type: ignore[assignment, method-assign]
        await at.follow()
        assert (await at.shop.standing("local")).plan_code == "business"
        [row] = [row for row in await at.rows(tables.payment_objects) if row["object_id"] == sub]
        assert (row["seen"], row["due_at"]) == (row["told"], None)

    at_the_counter({}, scenario)


def test_while_the_provider_is_away_nothing_is_lost() -> None:
    async def scenario(at: Counter) -> None:
        at.shop.purchase(at.shop.customer("local"))
        at.shop.away = 7
        await at.deliver(*at.shop.events)
        for _ in range(8):
            await at.follow()
            at.house.clock.ahead += 600
        assert await at.credits() == 10
        assert all(row["read_at"] for row in await at.rows(tables.payment_events))

    at_the_counter({}, scenario)


def test_a_subscription_whose_period_is_over_is_asked_for_though_nobody_told_of_it() -> None:
    async def scenario(at: Counter) -> None:
        sub = at.shop.subscription(at.shop.customer("local"))
        await at.deliver(*at.shop.events)
        await at.follow()
        at.house.clock.ahead += 31 * 86_400
        now = at.house.clock()
        at.shop.change(sub, period_start=now - 86_400, period_end=now + 29 * 86_400)
        following = Following(at.house.ports)
        assert await following.renewed() == 1
        await at.follow()
        assert await following.renewed() == 0
        first_day = datetime.fromtimestamp(now - 86_400, UTC).strftime("%Y-%m-%d")
        assert (await at.shop.standing("local")).period.name == first_day
        await at.is_as_at_the_shop()

    at_the_counter({}, scenario)


def test_what_others_are_paid_through_the_same_provider_leaves_no_row() -> None:
    async def scenario(at: Counter) -> None:
        at.shop.subscription(at.shop.customer(None))
        at.shop.purchase(at.shop.customer(None, "cus_other"))
        await at.deliver(at.shop.events[0])
        await at.follow()
        compared = await Comparison(at.house.ports).compare()
        assert (compared.customers, compared.subscriptions, compared.purchases) == (2, 1, 1)
        missed = {event.object_id for event in at.shop.events[::3]}
        rows = await at.rows(tables.payment_objects)
        assert {row["object_id"] for row in rows} == missed
        assert await at.rows(tables.subscriptions) == []

    at_the_counter({}, scenario)


def test_what_was_a_strangers_is_ours_once_its_customer_says_so() -> None:
    async def scenario(at: Counter) -> None:
        at.shop.purchase(at.shop.customer(None))
        await at.deliver(*at.shop.events)
        await at.follow()
        at.house.clock.ahead += 600
        await at.follow()
        assert [row["due_at"] for row in await at.rows(tables.payment_objects)] == [None, None]
        at.shop.change("cus_0", account_id="local")
        await at.settle()  # without an event
        assert await at.credits() == 10
        await at.is_as_at_the_shop()

    at_the_counter({}, scenario)
