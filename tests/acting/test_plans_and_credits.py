"""An account has its plan's allowance first, then credits, then overage; and never more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from staging_core import OWNER, Principal, StageRequest, Staging
from staging_core.audit import SOUND, Audit
from staging_core.errors import (
    BadPicture,
    BillingUnavailable,
    Refused,
    Shortfall,
    UsageLimitExceeded,
)
from staging_core.models import Order, Quote, Staged
from staging_core.testing import FakeStager

from .conftest import Install
from .pictures import photo

WISH: dict[str, Any] = {"room": "bedroom", "style": "modern"}
both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
in_the_process = pytest.mark.parametrize("way", ["in the process"], indirect=True)


def with_plan(images: int, **plan: Any) -> dict[str, Any]:
    """Everybody has a plan of so many images."""
    return {"billing": "plans:", "plans": {"free": {"images": images, **plan}}}


class Picky(FakeStager):
    """Refuses every second variant."""

    async def stage(self, request: StageRequest, *args: Any) -> Staged:
        if request.variant % 2:
            raise Refused("Not this one.")
        return await super().stage(request, *args)


async def is_sound(staging: Staging) -> None:
    assert await Audit(staging.ports).count() == SOUND


@both
@in_the_process
def test_sixty_four_orders_at_one_moment_with_room_for_ten_are_ten_orders(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install(**with_plan(7)) as staging:
            await staging.operating("ada").billing.credit("local", 3, reason="a present")
            me = staging.acting_as(OWNER)
            orders = (me.images.submit(photo(), **WISH, seed=n + 1) for n in range(64))
            outcomes = await asyncio.gather(*orders, return_exceptions=True)
            refused = [one for one in outcomes if isinstance(one, BaseException)]
            assert len(refused) == 54
            assert {type(one) for one in refused} == {UsageLimitExceeded}
            usage = await me.usage()
            assert (usage.used, usage.remaining) == (0, 0)
            await is_sound(staging)
            await staging.run_worker(until_idle=True)
            usage = await me.usage()
            assert (usage.used, usage.limit, usage.remaining) == (10, 7, 0)
            await is_sound(staging)

    asyncio.run(scenario())


@both
def test_of_a_batch_of_fifty_with_three_left_three_are_accepted_and_the_others_named(
    install: Install,
) -> None:
    async def scenario() -> None:
        async with install(**with_plan(3)) as staging:
            me = staging.acting_as(OWNER)
            outcomes = await me.images.submit_many([{"photo": photo(), **WISH}] * 50)
            refused = [one for one in outcomes[3:] if isinstance(one, UsageLimitExceeded)]
            assert len(refused) == 47
            assert not any(isinstance(one, Exception) for one in outcomes[:3])
            assert "0 images left" in refused[0].message
            await is_sound(staging)

    asyncio.run(scenario())


@both
def test_an_order_of_several_variants_is_accepted_whole_or_not_at_all(install: Install) -> None:
    async def scenario() -> None:
        async with install(**with_plan(3)) as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(UsageLimitExceeded, match="3 images left in this period, not 4"):
                await me.images.submit(photo(), variants=4, **WISH)
            assert await me.images.page() == []
            assert (await me.usage()).remaining == 3
            await me.images.submit(photo(), variants=3, **WISH)
            assert (await me.usage()).remaining == 0

    asyncio.run(scenario())


@both
def test_what_failed_was_cancelled_or_refused_costs_nothing(install: Install) -> None:
    async def scenario() -> None:
        async with install(Picky(), **with_plan(5)) as staging:
            me = staging.acting_as(OWNER)
            await me.images.submit(photo(), variants=4, **WISH)
            cancelled = await me.images.submit(photo(1), **WISH)
            await me.images.cancel(cancelled.images[0].id)
            with pytest.raises(BadPicture):
                await me.images.submit(b"no photo", **WISH)
            await staging.run_worker(until_idle=True)
            usage = await me.usage()
            assert (usage.used, usage.remaining) == (2, 3)
            await is_sound(staging)

    asyncio.run(scenario())


@both
def test_a_retry_is_a_new_hold_and_needs_room_for_it(install: Install) -> None:
    async def scenario() -> None:
        async with install(Picky(), **with_plan(2)) as staging:
            me = staging.acting_as(OWNER)
            group = await me.images.submit(photo(), variants=2, **WISH)
            await staging.run_worker(until_idle=True)
            failed = group.images[1].id
            await me.images.retry(failed)
            assert (await me.usage()).remaining == 0
            await staging.run_worker(until_idle=True)
            assert (await me.usage()).remaining == 1
            await me.images.submit(photo(1), **WISH)
            with pytest.raises(UsageLimitExceeded):
                await me.images.retry(failed)
            await is_sound(staging)

    asyncio.run(scenario())


@both
def test_deleting_a_project_gives_nothing_back(install: Install) -> None:
    async def scenario() -> None:
        async with install(**with_plan(2)) as staging:
            me = staging.acting_as(OWNER)
            listing = await me.projects.create("listing")
            await me.images.submit(photo(), variants=2, project_id=listing.id, **WISH)
            await staging.run_worker(until_idle=True)
            await me.projects.delete(listing.id)
            await staging.sweep()
            assert (await me.usage()).remaining == 0
            with pytest.raises(UsageLimitExceeded):
                await me.images.submit(photo(), **WISH)
            await is_sound(staging)

    asyncio.run(scenario())


@both
@in_the_process
def test_allowance_goes_first_then_credits_then_overage(install: Install) -> None:
    async def scenario() -> None:
        plan = with_plan(2, overage_images=2, overage_cents=45)
        async with install(**plan) as staging:
            await staging.operating("ada").billing.credit("local", 1, reason="a present")
            me = staging.acting_as(OWNER)
            quote = await me.billing.quote(4)
            assert quote == Quote(
                allowance=2,
                credits=1,
                overage=1,
                amount_cents=45,
                plan_code="free",
                rule="2 of the plan free, 1 of credits, 1 beyond the plan free, charged afterwards",
            )
            assert (await me.usage()).overage == 2
            with pytest.raises(UsageLimitExceeded, match="5 images left"):
                await me.billing.quote(6)
            await me.images.submit(photo(), variants=4, **WISH)
            held = [entry for entry in await me.billing.entries() if entry.kind == "reserve"]
            month = datetime.now(UTC).strftime("%Y-%m")
            assert sorted(entry.balance for entry in held) == [
                f"allowance/{month}",
                f"allowance/{month}",
                "credits",
                f"overage/{month}",
            ]
            await is_sound(staging)

    asyncio.run(scenario())


@both
@in_the_process
def test_a_larger_plan_gives_more_at_once_and_a_smaller_one_takes_nothing_back(
    install: Install,
) -> None:
    plans = {"free": {"images": 1}, "pro": {"images": 3}}

    async def scenario() -> None:
        async with install(billing="plans:", plans=plans) as staging:
            billing, me = staging.operating("ada").billing, staging.acting_as(OWNER)
            await me.images.submit(photo(), **WISH)
            with pytest.raises(UsageLimitExceeded):
                await me.images.submit(photo(), **WISH)
            standing = await billing.give_plan("local", "pro")
            assert (standing.plan_code, standing.allowance, standing.subscribed) == ("pro", 2, True)
            await me.images.submit(photo(1), **WISH)
            standing = await billing.give_plan("local", None)
            assert (standing.plan_code, standing.allowance) == ("free", 1)
            given = await me.billing.subscriptions()
            assert [(one.plan_code, one.status, one.source) for one in given] == [
                ("pro", "canceled", "operator")
            ]
            await is_sound(staging)

    asyncio.run(scenario())


@both
@in_the_process
def test_the_accounts_are_apart(install: Install) -> None:
    async def scenario() -> None:
        async with install(**with_plan(1)) as staging:
            await staging.operating("ada").billing.credit("other", 5, reason="theirs")
            me, other = staging.acting_as(OWNER), staging.acting_as(Principal(account_id="other"))
            await me.images.submit(photo(), **WISH)
            with pytest.raises(UsageLimitExceeded):
                await me.images.submit(photo(), **WISH)
            assert (await other.usage()).remaining == 6
            assert [entry.images for entry in await other.billing.entries()] == [5]
            assert {entry.account_id for entry in await me.billing.entries()} == {"local"}

    asyncio.run(scenario())


class Away:
    """A billing backend that asks somebody who is away."""

    async def quote(self, order: Order) -> Quote:
        raise ConnectionError("nobody answers")


class Generous:
    """Takes less than was ordered, which would leave images unpaid."""

    async def quote(self, order: Order) -> Quote:
        return Quote(credits=order.images - 1, rule="one is free")


@pytest.mark.parametrize("billing", [Away(), Generous()], ids=["away", "wrong"])
@in_the_process
def test_an_order_is_never_accepted_unquoted(install: Install, billing: object) -> None:
    async def scenario() -> None:
        async with install(billing=billing) as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(BillingUnavailable):
                await me.images.submit(photo(), variants=3, **WISH)
            assert await me.images.page() == []

    asyncio.run(scenario())


@both
def test_what_is_refused_says_what_would_help(install: Install) -> None:
    async def scenario() -> None:
        plans = {"big": {"images": 50}, "free": {"images": 2}, "small": {"images": 5}}
        async with install(billing="plans:", plans=plans) as staging:
            me = staging.acting_as(OWNER)
            with pytest.raises(UsageLimitExceeded) as caught:
                await me.images.submit(photo(), variants=5, **WISH)
            assert caught.value.shortfall == Shortfall(
                plan_code="free",
                asked=5,
                left=2,
                missing_credits=3,
                period_end=(await me.usage()).period_end,
                larger_plans=("small", "big"),
            )
            assert caught.value.remedy == (
                "Wait for the next period, or have 3 more credits, "
                "or choose a larger plan: small, big."
            )
            await staging.operating("ada").billing.credit("local", 3, reason="a present")
            await me.images.submit(photo(), variants=5, **WISH)

    asyncio.run(scenario())
